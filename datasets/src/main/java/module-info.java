/** Readers of published data sets, each of which is a {@code ClipSource}. */
module nacre.datasets {
  requires com.fasterxml.jackson.databind;
  requires com.google.protobuf;
  requires transitive nacre.neuralassets;

  exports nacre.datasets.pack;
  exports nacre.datasets.tfrecord;

  provides nacre.neuralassets.data.ClipSourceProvider with
      nacre.datasets.pack.PackedClips.Provider;
}
