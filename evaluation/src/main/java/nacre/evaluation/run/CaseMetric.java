package nacre.evaluation.run;

import java.util.Arrays;
import java.util.List;
import nacre.evaluation.EditCase;
import nacre.evaluation.Rgb;
import nacre.evaluation.metric.Metric;
import nacre.evaluation.metric.ObjectMetric;
import nacre.neuralassets.data.BoxMask;
import nacre.neuralassets.evaluation.Similarity;

/** A measure of drawn cases: one value a picture, of all of it or of the objects that count. */
public interface CaseMetric {
  /** Its name with the variant and the part of the picture, as "PSNR in the boxes". */
  String name();

  /**
   * The name by which values are kept: other ones for a metric that looks through other weights.
   */
  default String key() {
    return name();
  }

  /** True if larger values are better. */
  boolean higherIsBetter();

  /**
   * The value of each picture; NaN for one without a value, such as that of a case without objects.
   *
   * @param pictures packed bytes {@code [S, S, 3]} of each case
   */
  double[] of(List<EditCase> cases, List<byte[]> pictures);

  /** This metric, whose values depend on weights of a digest. */
  default CaseMetric through(String weights) {
    CaseMetric metric = this;
    return new CaseMetric() {
      @Override
      public String name() {
        return metric.name();
      }

      @Override
      public String key() {
        return metric.key() + ", weights " + weights;
      }

      @Override
      public boolean higherIsBetter() {
        return metric.higherIsBetter();
      }

      @Override
      public double[] of(List<EditCase> cases, List<byte[]> pictures) {
        return metric.of(cases, pictures);
      }
    };
  }

  /** A metric of whole pictures. */
  static CaseMetric ofImages(Metric metric) {
    return new CaseMetric() {
      @Override
      public String name() {
        return metric.name();
      }

      @Override
      public boolean higherIsBetter() {
        return metric.higherIsBetter();
      }

      @Override
      public double[] of(List<EditCase> cases, List<byte[]> pictures) {
        if (cases.isEmpty()) {
          return new double[0];
        }
        List<byte[]> truths = cases.stream().map(EditCase::truth).toList();
        return metric.of(joined(pictures), joined(truths), cases.size(), cases.getFirst().size());
      }
    };
  }

  /** The mean over a picture's objects of a metric of objects. */
  static CaseMetric ofObjects(ObjectMetric metric) {
    return new CaseMetric() {
      @Override
      public String name() {
        return metric.name();
      }

      @Override
      public boolean higherIsBetter() {
        return metric.metric().higherIsBetter();
      }

      @Override
      public double[] of(List<EditCase> cases, List<byte[]> pictures) {
        if (cases.isEmpty()) {
          return new double[0];
        }
        List<byte[]> truths = cases.stream().map(EditCase::truth).toList();
        List<float[]> boxes = cases.stream().map(EditCase::boxes).toList();
        double[][] values =
            metric.of(joined(pictures), joined(truths), boxes, cases.getFirst().size());
        return Arrays.stream(values)
            .mapToDouble(objects -> Arrays.stream(objects).average().orElse(Double.NaN))
            .toArray();
      }
    };
  }

  /** PSNR (at most 50 dB) within the boxes, as {@link Similarity} has it. */
  static CaseMetric psnrInBoxes() {
    return inBoxes("PSNR in the boxes", false);
  }

  /** SSIM within the boxes, as {@link Similarity} has it. */
  static CaseMetric ssimInBoxes() {
    return inBoxes("SSIM in the boxes", true);
  }

  private static CaseMetric inBoxes(String name, boolean structural) {
    return new CaseMetric() {
      @Override
      public String name() {
        return name;
      }

      @Override
      public boolean higherIsBetter() {
        return true;
      }

      @Override
      public double[] of(List<EditCase> cases, List<byte[]> pictures) {
        double[] values = new double[cases.size()];
        for (int i = 0; i < values.length; i++) {
          EditCase one = cases.get(i);
          boolean[] mask = BoxMask.of(one.boxes(), 0, one.boxes().length / 4, one.size());
          values[i] = Double.NaN;
          for (int k = 0; k < mask.length && Double.isNaN(values[i]); k++) {
            if (mask[k]) { // without any pixel there is nothing to compare
              Similarity s =
                  Similarity.of(numbers(pictures.get(i)), numbers(one.truth()), mask, one.size());
              values[i] = structural ? s.ssim() : s.psnr();
            }
          }
        }
        return values;
      }
    };
  }

  private static double[] numbers(byte[] rgb) {
    double[] numbers = new double[rgb.length];
    Arrays.setAll(numbers, i -> (rgb[i] & 0xFF) / 255.0);
    return numbers;
  }

  private static float[] joined(List<byte[]> pictures) {
    int each = pictures.getFirst().length;
    float[] all = new float[each * pictures.size()];
    for (int i = 0; i < pictures.size(); i++) {
      System.arraycopy(Rgb.floats(pictures.get(i)), 0, all, i * each, each);
    }
    return all;
  }
}
