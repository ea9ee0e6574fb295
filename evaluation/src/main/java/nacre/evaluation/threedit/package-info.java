/** 3DIT, which edits one object of a picture by a sentence and four numbers, and Zero-1-to-3. */
package nacre.evaluation.threedit;
