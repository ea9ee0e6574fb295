/** Benchmarks, and the check of a GPU. */
module nacre.lab {
  requires com.fasterxml.jackson.databind;
  requires nacre.bindings;
  requires nacre.cli;
  requires nacre.distributed;

  provides nacre.cli.CommandProvider with
      nacre.lab.LabCommands;

  opens nacre.lab.bench to
      info.picocli;
  opens nacre.lab.gpu to
      info.picocli;
}
