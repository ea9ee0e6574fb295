/** Neural Assets: scenes, tokens, the objective, editing and evaluation. */
module nacre.neuralassets {
  requires transitive nacre.diffusion;
  requires com.fasterxml.jackson.databind;
  requires java.desktop;
}
