package nacre.studio;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.security.SecureRandom;
import java.util.HexFormat;
import nacre.cli.options.UsageException;

/**
 * Where the server listens, and the token that requests must carry.
 *
 * @param host name or number
 * @param port 0 for any that is free
 * @param token null where none is needed
 */
record Address(String host, int port, String token) {
  static final String LOCAL = "127.0.0.1";

  private static final int SHORTEST_TOKEN = 8;

  /**
   * An address as the command line gives it; a token is made up where one is needed and missing.
   *
   * @param token null if not given
   */
  static Address of(String host, int port, String token) {
    boolean local;
    try {
      local = InetAddress.getByName(host).isLoopbackAddress();
    } catch (UnknownHostException e) {
      throw new UsageException(
          "--host " + host + ": no such address; give this machine's, or 0.0.0.0 for all", e);
    }
    if (token != null && !token.matches("[A-Za-z0-9._~-]{" + SHORTEST_TOKEN + ",200}")) {
      throw new UsageException(
          "--token has "
              + SHORTEST_TOKEN
              + " to 200 letters, digits, or any of . _ ~ - (it stands in an address)");
    }
    return new Address(host, port, token == null && !local ? random() : token);
  }

  private static String random() {
    byte[] bytes = new byte[16];
    new SecureRandom().nextBytes(bytes);
    return HexFormat.of().formatHex(bytes);
  }
}
