/** Neural Assets: scenes, tokens, the objective, editing and evaluation. */
module nacre.neuralassets {
  requires transitive nacre.diffusion;
  requires com.fasterxml.jackson.databind;
  requires transitive java.desktop;

  exports nacre.neuralassets.autoencoder;
  exports nacre.neuralassets.data;
  exports nacre.neuralassets.edit;
  exports nacre.neuralassets.encoder;
  exports nacre.neuralassets.evaluation;
  exports nacre.neuralassets.latents;
  exports nacre.neuralassets.model;
  exports nacre.neuralassets.render;
  exports nacre.neuralassets.scene;
  exports nacre.neuralassets.training;

  uses nacre.neuralassets.data.ClipSourceProvider;
  uses nacre.neuralassets.encoder.ImageEncoderProvider;

  provides nacre.neuralassets.data.ClipSourceProvider with
      nacre.neuralassets.data.RenderedClips.Provider,
      nacre.neuralassets.data.StoredClips.Provider;
  provides nacre.neuralassets.encoder.ImageEncoderProvider with
      nacre.neuralassets.encoder.VitProvider;
}
