package nacre.nn;

/**
 * A pattern of parameter names: {@code *} stands for any characters, dots too, {@code ?} for one,
 * and everything else for itself: {@code unet.*.attn2.*}.
 *
 * @param text the pattern
 */
public record NameGlob(String text) {

  /** Whether a whole name is of this pattern. */
  public boolean matches(String name) {
    int at = 0;
    int from = 0;
    int star = -1; // the last star, to which a mismatch returns
    int taken = 0; // where the characters that it stands for end
    while (at < name.length()) {
      char wanted = from < text.length() ? text.charAt(from) : 0;
      if (wanted == '*') {
        star = from++;
        taken = at;
      } else if (from < text.length() && (wanted == '?' || wanted == name.charAt(at))) {
        from++;
        at++;
      } else if (star >= 0) {
        from = star + 1;
        at = ++taken;
      } else {
        return false;
      }
    }
    return text.substring(from).chars().allMatch(rest -> rest == '*');
  }
}
