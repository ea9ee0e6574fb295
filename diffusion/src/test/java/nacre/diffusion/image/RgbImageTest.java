package nacre.diffusion.image;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.awt.Transparency;
import java.awt.color.ColorSpace;
import java.awt.image.BufferedImage;
import java.awt.image.ColorModel;
import java.awt.image.ComponentColorModel;
import java.awt.image.DataBuffer;
import java.awt.image.IndexColorModel;
import java.awt.image.Raster;
import java.awt.image.WritableRaster;
import nacre.tensor.Device;
import nacre.tensor.Scope;
import nacre.tensor.Shape;
import nacre.tensor.Tensor;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Java's images of every type. */
class RgbImageTest {
  private static byte[] bytes(int... values) {
    byte[] bytes = new byte[values.length];
    for (int i = 0; i < values.length; i++) {
      bytes[i] = (byte) values[i];
    }
    return bytes;
  }

  /** Java converts them to the same numbers; gray alone it takes for linear light. */
  @ParameterizedTest
  @ValueSource(
      ints = {
        BufferedImage.TYPE_INT_RGB,
        BufferedImage.TYPE_INT_ARGB,
        BufferedImage.TYPE_INT_ARGB_PRE,
        BufferedImage.TYPE_INT_BGR,
        BufferedImage.TYPE_3BYTE_BGR,
        BufferedImage.TYPE_4BYTE_ABGR,
        BufferedImage.TYPE_4BYTE_ABGR_PRE,
        BufferedImage.TYPE_USHORT_565_RGB,
        BufferedImage.TYPE_USHORT_555_RGB,
        BufferedImage.TYPE_BYTE_BINARY,
        BufferedImage.TYPE_BYTE_INDEXED
      })
  void colorsAreThoseThatJavaSees(int type) {
    BufferedImage image = new BufferedImage(16, 16, type);
    for (int i = 0; i < 256; i++) {
      image.setRGB(i % 16, i / 16, (255 - i) << 24 | i << 16 | (i * 7 % 256) << 8 | i * 31 % 256);
    }
    byte[] rgb = RgbImage.of(image).rgb();
    int tie = image.isAlphaPremultiplied() ? 1 : 0; // Java divides in f32, which misses some halves
    for (int i = 0; i < 256; i++) {
      int seen = image.getRGB(i % 16, i / 16);
      for (int channel = 0; channel < 3; channel++) {
        int wanted = seen >> 16 - 8 * channel & 0xFF;
        assertEquals(wanted, rgb[3 * i + channel] & 0xFF, tie, "pixel " + i);
      }
    }
  }

  @Test
  void grayIsRepeatedAsItIs() {
    BufferedImage gray = new BufferedImage(2, 1, BufferedImage.TYPE_BYTE_GRAY);
    gray.getRaster().setSample(1, 0, 0, 100);
    assertArrayEquals(bytes(0, 0, 0, 100, 100, 100), RgbImage.of(gray).rgb());
  }

  private static BufferedImage image(ColorSpace space, int type, boolean alpha, Object samples) {
    int transparency = alpha ? Transparency.TRANSLUCENT : Transparency.OPAQUE;
    ColorModel colors = new ComponentColorModel(space, alpha, alpha, transparency, type);
    int width = java.lang.reflect.Array.getLength(samples) / colors.getNumComponents();
    WritableRaster raster =
        Raster.createInterleavedRaster(type, width, 1, colors.getNumComponents(), null);
    raster.setDataElements(0, 0, width, 1, samples);
    return new BufferedImage(colors, raster, alpha, null);
  }

  private static final ColorSpace GRAY = ColorSpace.getInstance(ColorSpace.CS_GRAY);
  private static final ColorSpace RGB = ColorSpace.getInstance(ColorSpace.CS_sRGB);

  @Test
  void sixteenBitsAreCutToEight() {
    short[] samples = {0x12FF, (short) 0xFE00, (short) 0xFFFF};
    BufferedImage image = image(GRAY, DataBuffer.TYPE_USHORT, false, samples);
    assertArrayEquals(
        bytes(0x12, 0x12, 0x12, 0xFE, 0xFE, 0xFE, 0xFF, 0xFF, 0xFF), RgbImage.of(image).rgb());
    assertTrue(RgbImage.isOpaque(image));
  }

  @Test
  void soAreThirtyTwo() {
    int[] samples = {0x12FFFFFF, 0xFE000000, 0xFFFFFFFF};
    ColorModel colors =
        new ComponentColorModel(
            RGB, new int[] {32, 32, 32}, false, false, Transparency.OPAQUE, DataBuffer.TYPE_INT);
    WritableRaster raster = colors.createCompatibleWritableRaster(1, 1);
    raster.setPixel(0, 0, samples);
    BufferedImage image = new BufferedImage(colors, raster, false, null);
    assertArrayEquals(bytes(0x12, 0xFE, 0xFF), RgbImage.of(image).rgb());
  }

  @Test
  void fractionsGoFromBlackToWhite() {
    ColorModel colors =
        new ComponentColorModel(RGB, false, false, Transparency.OPAQUE, DataBuffer.TYPE_FLOAT);
    WritableRaster raster = colors.createCompatibleWritableRaster(2, 1);
    raster.setPixel(0, 0, new float[] {0, 0.5f, 1});
    raster.setPixel(1, 0, new float[] {-1, 100, 0.2f});
    BufferedImage image = new BufferedImage(colors, raster, false, null);
    assertArrayEquals(bytes(0, 128, 255, 0, 255, 51), RgbImage.of(image).rgb());
  }

  @Test
  void premultipliedColorsAreDividedAtEveryDepth() {
    short[] samples = {0x4000, 0x2000, 0, (short) 0x8000, 0, 0, 0, 0};
    BufferedImage image = image(RGB, DataBuffer.TYPE_USHORT, true, samples);
    assertArrayEquals(bytes(127, 63, 0, 0, 0, 0), RgbImage.of(image).rgb());
    assertFalse(RgbImage.isOpaque(image));
  }

  @Test
  void knowsTransparencyFromOpacity() {
    for (int type : new int[] {BufferedImage.TYPE_INT_ARGB, BufferedImage.TYPE_4BYTE_ABGR_PRE}) {
      BufferedImage image = new BufferedImage(3, 2, type);
      for (int i = 0; i < 6; i++) {
        image.setRGB(i % 3, i / 3, 0xFF000000);
      }
      assertTrue(RgbImage.isOpaque(image));
      image.setRGB(2, 1, 0xFE000000);
      assertFalse(RgbImage.isOpaque(image));
    }
    assertTrue(RgbImage.isOpaque(new BufferedImage(3, 2, BufferedImage.TYPE_INT_RGB)));
  }

  @Test
  void aPaletteIsOpaqueWhereItsTransparentColorsAreNotUsed() {
    byte[] levels = bytes(0, 80, 160, 240);
    IndexColorModel colors = new IndexColorModel(2, 4, levels, levels, levels, 3);
    for (int i = 0; i < 6; i++) {
      BufferedImage palette = new BufferedImage(3, 2, BufferedImage.TYPE_BYTE_INDEXED, colors);
      assertTrue(palette.getColorModel().hasAlpha());
      assertTrue(RgbImage.isOpaque(palette));
      palette.getRaster().setSample(i % 3, i / 3, 0, 3);
      assertFalse(RgbImage.isOpaque(palette), "pixel " + i);
    }
  }

  /** The limits are those of Pillow's conversion to gray. */
  @Test
  void aMaskIsWhiteWhereItsLumaIsAtLeastHalf() {
    byte[] rgb = bytes(128, 128, 128, 127, 127, 127, 255, 0, 0, 0, 218, 0, 0, 217, 0, 0, 0, 255);
    try (Scope _ = Scope.open()) {
      Tensor mask = new RgbImage(rgb, 3, 2).toMask(Device.cpu());
      assertEquals(Shape.of(1, 2, 3, 1), mask.shape());
      assertArrayEquals(new float[] {1, 0, 0, 1, 0, 0}, mask.toFloats());
    }
  }
}
