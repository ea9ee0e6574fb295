/** Readers of published data sets, each of which is a {@code ClipSource}. */
@SuppressWarnings("requires-automatic") // hardwood has no descriptor
module nacre.datasets {
  requires com.fasterxml.jackson.databind;
  requires com.google.protobuf;
  requires dev.hardwood.core;
  requires java.logging;
  requires transitive nacre.neuralassets;

  exports nacre.datasets.pack;
  exports nacre.datasets.tfrecord;

  provides nacre.neuralassets.data.ClipSourceProvider with
      nacre.datasets.movi.MoviProvider,
      nacre.datasets.objectron.ObjectronProvider,
      nacre.datasets.pack.PackedClips.Provider,
      nacre.datasets.object.ObjectProvider,
      nacre.datasets.waymo.WaymoProvider;
}
