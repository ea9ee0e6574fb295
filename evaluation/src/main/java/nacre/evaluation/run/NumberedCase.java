package nacre.evaluation.run;

import nacre.evaluation.EditCase;

/** A case and its number among all. */
record NumberedCase(int number, EditCase edit) {}
