/** Readers of published data sets, each of which is a {@code ClipSource}. */
module nacre.datasets {
  requires transitive nacre.neuralassets;

  exports nacre.datasets.tfrecord;
}
