package nacre.nn;

import java.util.IdentityHashMap;
import java.util.Map;
import java.util.stream.Stream;
import nacre.tensor.Tensor;

/**
 * The tokens that layers of cross-attention attend to, {@code [N, S, C]}, and where they are
 * constant what layers made once for all steps of a sampling: keys and values of the tokens, and
 * weights that are multiplied together.
 */
public final class AttentionContext {
  private final Tensor tokens;
  private final Map<Object, Object> made = new IdentityHashMap<>();

  /** The keys and the values of a layer, {@code [N, S, heads, head width]} each. */
  record KeysAndValues(Tensor keys, Tensor values) {}

  private AttentionContext(Tensor tokens) {
    this.tokens = tokens;
  }

  /** Tokens of which each layer makes keys and values when it needs them. */
  public static AttentionContext of(Tensor tokens) {
    return new AttentionContext(tokens);
  }

  /**
   * Tokens that do not change, and through which no gradient flows.
   *
   * @param layers that make their keys and values now, in the current scope
   */
  public static AttentionContext constant(Tensor tokens, Stream<Attention> layers) {
    AttentionContext context = new AttentionContext(tokens);
    layers.forEach(layer -> context.keep(layer, layer.keysAndValues(tokens)));
    return context;
  }

  /** The tokens, {@code [N, S, C]}. */
  public Tensor tokens() {
    return tokens;
  }

  /** The context of tokens that may be others than these where a tape recomputes a block. */
  public AttentionContext with(Tensor others) {
    return others == tokens ? this : of(others);
  }

  /**
   * Keeps what a layer made for all steps, in place of what it kept before.
   *
   * @param made null for nothing
   */
  public void keep(Object layer, Object made) {
    this.made.put(layer, made);
  }

  /** What a layer {@linkplain #keep kept}, or null. */
  public Object kept(Object layer) {
    return made.get(layer);
  }

  KeysAndValues of(Attention layer) {
    return made.get(layer) instanceof KeysAndValues before ? before : layer.keysAndValues(tokens);
  }
}
