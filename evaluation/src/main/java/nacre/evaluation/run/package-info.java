/** Running methods over cases, and what was measured of their pictures. */
package nacre.evaluation.run;
