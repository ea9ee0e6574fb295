/** What several ranks cost, measured and computed. */
package nacre.lab.net;
