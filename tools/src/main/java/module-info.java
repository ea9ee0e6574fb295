/** The command line, benchmarks and reference generators. */
module nacre.tools {
  requires com.fasterxml.jackson.databind;
  requires info.picocli;
  requires java.desktop;
  requires nacre.bindings;
  requires nacre.neuralassets;

  opens nacre.tools to
      info.picocli;
  opens nacre.tools.bench to
      info.picocli;
  opens nacre.tools.gpu to
      info.picocli;
  opens nacre.tools.texttoimage to
      info.picocli;
  opens nacre.tools.verify to
      info.picocli;
  opens nacre.tools.weights to
      info.picocli;
}
