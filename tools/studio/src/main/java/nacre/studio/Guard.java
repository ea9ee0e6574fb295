package nacre.studio;

import io.javalin.http.Context;
import io.javalin.http.Cookie;
import io.javalin.http.SameSite;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.Locale;
import java.util.Set;

/**
 * The check of every request before anything else: that it is meant for this server (Host, against
 * DNS rebinding), that no other site's page sent it (Origin, Sec-Fetch-Site), and that it carries
 * the token where there is one.
 */
final class Guard {
  private static final String COOKIE = "nacre-token";
  private static final Set<String> READING = Set.of("GET", "HEAD");

  /** What the page may load: this server's files and pictures that it makes itself. */
  private static final String POLICY =
      "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:;"
          + " font-src 'self'; connect-src 'self'; manifest-src 'self'; worker-src 'self';"
          + " base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

  private final Address address;

  Guard(Address address) {
    this.address = address;
  }

  /** Refuses what must not be served; sets the headers that hold for every answer. */
  void check(Context request) {
    protect(request);
    checkHost(request);
    checkOrigin(request);
    if (address.token() == null) {
      return;
    }
    String given = request.queryParam("token");
    if (given != null && request.path().equals("/")) {
      if (!matches(given)) {
        throw new Refusal(401, "the token in the address is wrong: take it from the terminal");
      }
      request.cookie(new Cookie(COOKIE, given, "/", -1, false, true, null, SameSite.STRICT));
      request.redirect("/");
      request.skipRemainingHandlers();
      return;
    }
    if (!carriesToken(request)) {
      throw new Refusal(
          401,
          "this server needs its token: open the address that it printed, or send Authorization:"
              + " Bearer TOKEN");
    }
  }

  private static void protect(Context request) {
    request.header("Content-Security-Policy", POLICY);
    request.header("X-Content-Type-Options", "nosniff");
    request.header("X-Frame-Options", "DENY");
    request.header("Referrer-Policy", "no-referrer");
    request.header("Cross-Origin-Resource-Policy", "same-origin");
    request.header("Cross-Origin-Opener-Policy", "same-origin");
    if (!request.path().startsWith("/three/")) {
      request.header("Cache-Control", "no-cache");
    }
  }

  private boolean carriesToken(Context request) {
    String header = request.header("Authorization");
    if (header != null && header.regionMatches(true, 0, "Bearer ", 0, 7)) {
      return matches(header.substring(7).strip());
    }
    String cookie = request.cookie(COOKIE);
    return cookie != null && matches(cookie);
  }

  /** Takes the same time for every wrong token of a length. */
  private boolean matches(String given) {
    return MessageDigest.isEqual(
        given.getBytes(StandardCharsets.UTF_8), address.token().getBytes(StandardCharsets.UTF_8));
  }

  /** A page of another site whose name was made to point here would send that name. */
  private void checkHost(Context request) {
    String host = request.header("Host");
    if (host == null || !known(host)) {
      throw new Refusal(
          403,
          "this server does not answer to the name in Host: open it as it was printed, or start it"
              + " with --host NAME");
    }
  }

  private boolean known(String hostAndPort) {
    int colon = hostAndPort.lastIndexOf(':');
    boolean port = colon > hostAndPort.lastIndexOf(']');
    String name = (port ? hostAndPort.substring(0, colon) : hostAndPort).toLowerCase(Locale.ROOT);
    return name.equals("localhost")
        || name.equals(Address.LOCAL)
        || name.equals("[::1]")
        || name.equals(address.host().toLowerCase(Locale.ROOT))
        || address.token() != null && isNumber(name);
  }

  /** Behind 0.0.0.0 the name is any of the machine's numbers; rebinding needs a name. */
  private static boolean isNumber(String name) {
    return name.matches("\\d{1,3}(\\.\\d{1,3}){3}") || name.startsWith("[");
  }

  private static void checkOrigin(Context request) {
    String origin = request.header("Origin");
    boolean own = origin == null || origin.equals("http://" + request.header("Host"));
    String site = request.header("Sec-Fetch-Site");
    boolean near =
        site == null
            || site.equals("same-origin")
            || site.equals("none")
            || READING.contains(request.method().name()) && request.path().equals("/");
    if (!own || !near) {
      throw new Refusal(403, "another site's page may not ask this server");
    }
  }
}
