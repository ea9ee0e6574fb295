package nacre.cli;

import static nacre.tensor.ops.Concat.concat;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import nacre.evaluation.EditCase;
import nacre.evaluation.EditingMethod;
import nacre.neuralassets.edit.EditTokens;
import nacre.neuralassets.model.EncodedConditioning;
import nacre.neuralassets.model.NeuralAssets;
import nacre.neuralassets.model.Sampler;
import nacre.tensor.Scope;
import nacre.tensor.Shape;
import nacre.tensor.Tensor;
import nacre.tensor.ops.RandomNormal;

/** A trained model that draws edits. */
record ModelMethod(String name, Sampler sampler, int slots) implements EditingMethod {
  @Override
  public float[] draw(List<EditCase> cases, int firstNumber, long seed, Runnable eachStep)
      throws IOException {
    NeuralAssets model = sampler.model();
    int side = model.preset().sampleSize();
    Shape one = Shape.of(1, side, side, model.preset().sampleChannels());
    try (Scope _ = Scope.open()) {
      List<EncodedConditioning> given = new ArrayList<>();
      Tensor[] noise = new Tensor[cases.size()];
      for (int i = 0; i < noise.length; i++) {
        EditCase edit = cases.get(i);
        given.add(new EditTokens(model, slots, edit.library()).encode(edit.view(), edit.edits()));
        noise[i] = RandomNormal.normal(model.device(), one, seed, firstNumber + i);
      }
      float[] drawn =
          sampler
              .sample(
                  EncodedConditioning.concatenated(given),
                  concat(0, noise),
                  null,
                  _ -> eachStep.run())
              .toFloats();
      for (int k = 0; k < drawn.length; k++) {
        drawn[k] = Math.clamp(drawn[k] * 0.5f + 0.5f, 0, 1);
      }
      return drawn;
    }
  }

  @Override
  public void close() {}
}
