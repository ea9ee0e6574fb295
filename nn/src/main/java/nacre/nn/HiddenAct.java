package nacre.nn;

import nacre.tensor.spi.Unary;

/** The activation functions by the names of transformers' {@code hidden_act}. */
public final class HiddenAct {
  private HiddenAct() {}

  /**
   * The function of a name.
   *
   * @param model for the error message
   * @throws IllegalArgumentException if there is none
   */
  public static Unary of(String model, String name) {
    return switch (name) {
      case "gelu" -> Unary.GELU;
      case "gelu_new", "gelu_pytorch_tanh" -> Unary.GELU_TANH;
      case "quick_gelu" -> Unary.QUICK_GELU;
      case "relu" -> Unary.RELU;
      case "silu", "swish" -> Unary.SILU;
      default ->
          throw new IllegalArgumentException(
              model
                  + " config: hidden_act '"
                  + name
                  + "' is not known; known are gelu, gelu_new, gelu_pytorch_tanh, quick_gelu,"
                  + " relu, silu");
    };
  }
}
