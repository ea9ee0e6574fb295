/** The command line, benchmarks and reference generators. */
module nacre.tools {
  requires nacre.neuralassets;
}
