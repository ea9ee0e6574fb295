/** The command line, benchmarks and reference generators. */
module nacre.tools {
  requires info.picocli;
  requires nacre.neuralassets;

  opens nacre.tools to
      info.picocli;
}
