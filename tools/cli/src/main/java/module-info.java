/** The command line. */
module nacre.cli {
  requires com.fasterxml.jackson.databind;
  requires com.google.protobuf;
  requires transitive info.picocli;
  requires java.desktop;
  requires java.management;
  requires metadata.extractor;
  requires nacre.datasets;
  requires nacre.distributed;
  requires nacre.evaluation;
  requires transitive nacre.neuralassets;

  exports nacre.cli;
  exports nacre.cli.options;
  exports nacre.cli.output;

  uses nacre.cli.CommandProvider;

  opens nacre.cli to
      info.picocli;
  opens nacre.cli.options to
      info.picocli;
  opens nacre.cli.texttoimage to
      info.picocli;
  opens nacre.cli.verify to
      info.picocli;
  opens nacre.cli.weights to
      info.picocli;
}
