/** The model of Neural Assets: its tokens, its objective, its sampler, and the presets. */
package nacre.neuralassets.model;
