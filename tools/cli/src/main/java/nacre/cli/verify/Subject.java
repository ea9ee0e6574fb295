package nacre.cli.verify;

import java.util.Map;
import nacre.tensor.Tensor;

/** A module under verification. */
@FunctionalInterface
interface Subject {

  /** The outputs by name, in PyTorch's layouts and any floating dtype. */
  Map<String, Tensor> forward(Inputs inputs);
}
