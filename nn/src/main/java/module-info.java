/** Layers, attention, vision transformers, optimizers, learning-rate schedules. */
module nacre.nn {
  exports nacre.nn;
  exports nacre.nn.vision;

  requires transitive nacre.weights;
  requires transitive com.fasterxml.jackson.databind;
}
