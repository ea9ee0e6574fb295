package nacre.cli.verify;

import java.util.Map;
import nacre.tensor.Tensor;

/** A module as a bundle runs it. */
@FunctionalInterface
interface Subject {

  /** The outputs by name, in PyTorch's layouts and any floating dtype. */
  Map<String, Tensor> forward(Inputs inputs);
}
