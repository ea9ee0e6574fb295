package nacre.nn;

import java.util.IdentityHashMap;
import java.util.Map;
import java.util.stream.Stream;
import nacre.tensor.Tensor;

/**
 * The tokens that layers of cross-attention attend to, {@code [N, S, C]}, and where they are
 * constant the keys and values that layers made of them, which all steps of a sampling share.
 */
public final class AttentionContext {
  private final Tensor tokens;
  private final Map<Attention, KeysAndValues> made = new IdentityHashMap<>();

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
    layers.forEach(layer -> context.made.put(layer, layer.keysAndValues(tokens)));
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

  KeysAndValues of(Attention layer) {
    KeysAndValues before = made.get(layer);
    return before == null ? layer.keysAndValues(tokens) : before;
  }
}
