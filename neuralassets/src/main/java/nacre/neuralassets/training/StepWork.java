package nacre.neuralassets.training;

import java.util.function.IntConsumer;
import java.util.function.Supplier;
import nacre.nn.AccumulatedGradients;
import nacre.tensor.CapturedStep;
import nacre.tensor.Device;
import nacre.tensor.Scope;
import nacre.tensor.Tape;
import nacre.tensor.Tensor;

/**
 * What a training step computes once its inputs are written: loss, gradients, update. A step of one
 * part is captured whole. Of one in several {@linkplain AccumulatedGradients micro-batches} that of
 * a micro-batch is captured, and the last one with the update, during which gradients are exchanged
 * between ranks: so that a graph holds one micro-batch however many there are.
 */
final class StepWork implements AutoCloseable {
  /** What a step consists of; nothing in it involves the host. */
  interface Parts {
    /** Opens the tape of a forward pass. */
    Tape tape();

    /** The loss of the inputs, an f32 scalar. */
    Tensor loss();

    /** Goes back through the loss, and updates the parameters by their gradients. */
    void update(Learner.Backward backward);
  }

  private final Parts parts;
  private final int count;
  private final AccumulatedGradients sums;
  private final CapturedStep whole;
  private final CapturedStep micro;
  private final CapturedStep last;

  /**
   * The work of a step.
   *
   * @param count micro-batches in a step
   * @param sums of their gradients; null for a step of one
   */
  StepWork(Device device, Parts parts, int count, AccumulatedGradients sums) {
    this.parts = parts;
    this.count = count;
    this.sums = sums;
    this.whole = CapturedStep.of(device, this::step);
    this.micro = CapturedStep.of(device, nothing(this::add));
    this.last = CapturedStep.of(device, nothing(this::addLast));
  }

  private static Supplier<Tensor> nothing(Runnable work) {
    return () -> {
      work.run();
      return null;
    };
  }

  /**
   * Does a step.
   *
   * @param write writes the inputs of a micro-batch, given its number
   * @return the loss before the update
   */
  Tensor run(IntConsumer write) {
    if (count == 1) {
      write.accept(0);
      return whole.run();
    }
    sums.clear();
    for (int i = 0; i < count; i++) {
      write.accept(i);
      if (i == count - 1) {
        last.run();
      } else if (sums.ready()) {
        micro.run();
      } else {
        add();
      }
    }
    return sums.loss();
  }

  private Tensor step() {
    try (Scope inner = Scope.open();
        Tape tape = parts.tape()) {
      Tensor loss = parts.loss();
      parts.update(done -> tape.backward(loss, done)::asComputed);
      return inner.keep(loss);
    }
  }

  private void add() {
    try (Scope _ = Scope.open();
        Tape tape = parts.tape()) {
      sums.add(tape, parts.loss());
    }
  }

  private void addLast() {
    try (Scope _ = Scope.open();
        Tape tape = parts.tape()) {
      Tensor loss = parts.loss();
      parts.update(
          done -> {
            sums.add(tape, loss, done);
            return sums::of;
          });
    }
  }

  @Override
  public void close() {
    whole.close();
    micro.close();
    last.close();
  }
}
