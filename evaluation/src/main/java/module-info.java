/** Metrics, baselines, benchmarks and studies of models that edit pictures. */
module nacre.evaluation {
  requires com.fasterxml.jackson.databind;
  requires transitive nacre.neuralassets;

  exports nacre.evaluation;
  exports nacre.evaluation.baseline;
  exports nacre.evaluation.benchmark;
  exports nacre.evaluation.metric;
  exports nacre.evaluation.report;
  exports nacre.evaluation.run;
  exports nacre.evaluation.study;
  exports nacre.evaluation.threedit;
}
