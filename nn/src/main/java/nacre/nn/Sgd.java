package nacre.nn;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Function;
import nacre.tensor.DType;
import nacre.tensor.Scope;
import nacre.tensor.Tensor;
import nacre.tensor.spi.Backend;
import nacre.tensor.spi.Binary;
import nacre.weights.ConfigRange;

/**
 * Stochastic gradient descent with momentum (Sutskever et al., 2013), as {@code torch.optim.SGD}:
 * with g = gradient + weightDecay · p, the momentum m becomes g in the first step of a parameter
 * and momentum · m + g in later ones, and p falls by rate · m, or with Nesterov by rate · (g +
 * momentum · m).
 */
public final class Sgd implements Optimizer {

  /**
   * The settings for all parameters.
   *
   * @param momentum share of the last step that goes into the next, 0 for none
   * @param nesterov whether to use Nesterov's momentum
   * @param weightDecay times the parameter, added to its gradient
   */
  public record Config(double momentum, boolean nesterov, double weightDecay) {
    /** Checks the numbers. */
    public Config {
      ConfigRange range = new ConfigRange("SGD: ");
      range.number("momentum", momentum, 0, 0.999999);
      range.number("weightDecay", weightDecay, 0, 1e6);
      if (nesterov && momentum == 0) {
        throw new IllegalArgumentException("SGD: Nesterov's way wants a momentum above 0");
      }
    }

    /** PyTorch's defaults: neither momentum nor weight decay. */
    public static Config defaults() {
      return new Config(0, false, 0);
    }

    /** Momentum without weight decay. */
    public static Config withMomentum(double momentum) {
      return new Config(momentum, false, 0);
    }
  }

  private final Config config;
  private final TrainedParameters trained;
  private final Map<String, Tensor> parameters;
  private final Map<Tensor, Tensor> momenta = new LinkedHashMap<>();

  /** Plain gradient descent with a learning rate, which holds until another is set. */
  public Sgd(Map<String, Tensor> parameters, double learningRate) {
    this(parameters, Config.defaults());
    setLearningRate(learningRate);
  }

  /**
   * An optimizer whose state belongs to the current scope. Its learning rate must be set.
   *
   * @param parameters f32 parameters on one device, by name
   * @throws IllegalArgumentException if there are no parameters, or one is not f32
   */
  public Sgd(Map<String, Tensor> parameters, Config config) {
    this.config = config;
    this.trained = new TrainedParameters("SGD", parameters, DType.F32);
    this.parameters = new LinkedHashMap<>(parameters);
    if (config.momentum > 0) {
      // From zero the rule of later steps leaves the gradient itself in the first.
      parameters
          .values()
          .forEach(p -> momenta.put(p, Tensor.zeros(p.device(), p.dtype(), p.shape())));
    }
  }

  @Override
  public void setLearningRate(double rate) {
    trained.setLearningRate(rate);
  }

  @Override
  public void step(Function<Tensor, Tensor> gradients) {
    Tensor rate = trained.learningRate();
    for (Tensor parameter : parameters.values()) {
      Tensor gradient = gradients.apply(parameter);
      if (gradient != null) {
        try (Scope _ = Scope.open()) {
          update(parameter, gradient, rate);
        }
      }
    }
  }

  private void update(Tensor parameter, Tensor gradient, Tensor rate) {
    Backend backend = trained.backend();
    Tensor change = parameter.like();
    Tensor g = gradient;
    if (config.weightDecay > 0) {
      backend.mix(gradient, 1, parameter, config.weightDecay, change);
      g = change;
    }
    Tensor direction = g;
    if (config.momentum > 0) {
      Tensor momentum = momenta.get(parameter);
      backend.mix(momentum, config.momentum, g, 1, momentum);
      direction = momentum;
      if (config.nesterov) {
        backend.mix(g, 1, momentum, config.momentum, change);
        direction = change;
      }
    }
    backend.binary(Binary.MULTIPLY, direction, rate, change);
    backend.binary(Binary.SUBTRACT, parameter, change, parameter);
  }

  /** {@code momentum.<name>} of every parameter; nothing without momentum. */
  @Override
  public Map<String, Tensor> state() {
    Map<String, Tensor> state = new TreeMap<>();
    if (config.momentum > 0) {
      parameters.forEach((name, p) -> state.put("momentum." + name, momenta.get(p)));
    }
    return state;
  }
}
