package nacre.neuralassets.scene;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.Random;
import java.util.zip.CRC32;
import java.util.zip.Deflater;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;

class PlainPngTest {
  private static final int WIDTH = 37;
  private static final int HEIGHT = 23;

  /** A PNG whose line y is filtered by kind y mod 5, its data in chunks of a few bytes. */
  private static byte[] png(byte[] pixels, int channels, int chunk) throws IOException {
    int row = WIDTH * channels;
    byte[] lines = new byte[(row + 1) * HEIGHT];
    for (int y = 0; y < HEIGHT; y++) {
      int kind = y % 5;
      lines[y * (row + 1)] = (byte) kind;
      for (int i = 0; i < row; i++) {
        int a = i < channels ? 0 : pixels[y * row + i - channels] & 0xFF;
        int b = y == 0 ? 0 : pixels[(y - 1) * row + i] & 0xFF;
        int c = i < channels || y == 0 ? 0 : pixels[(y - 1) * row + i - channels] & 0xFF;
        int predicted =
            switch (kind) {
              case 0 -> 0;
              case 1 -> a;
              case 2 -> b;
              case 3 -> (a + b) / 2;
              default -> paeth(a, b, c);
            };
        lines[y * (row + 1) + 1 + i] = (byte) (pixels[y * row + i] - predicted);
      }
    }
    Deflater deflater = new Deflater();
    deflater.setInput(lines);
    deflater.finish();
    byte[] data = new byte[lines.length + 100];
    int length = deflater.deflate(data);
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    out.writeBytes(new byte[] {(byte) 0x89, 'P', 'N', 'G', 13, 10, 26, 10});
    ByteBuffer header = ByteBuffer.allocate(13).putInt(WIDTH).putInt(HEIGHT).put((byte) 8);
    header.put((byte) (channels == 1 ? 0 : channels == 3 ? 2 : 6));
    chunk(out, "IHDR", header.array());
    chunk(out, "tEXt", "Title\0x".getBytes(java.nio.charset.StandardCharsets.ISO_8859_1));
    for (int at = 0; at < length; at += chunk) {
      chunk(out, "IDAT", Arrays.copyOfRange(data, at, Math.min(length, at + chunk)));
    }
    chunk(out, "IEND", new byte[0]);
    return out.toByteArray();
  }

  private static int paeth(int a, int b, int c) {
    int p = a + b - c;
    int pa = Math.abs(p - a);
    int pb = Math.abs(p - b);
    int pc = Math.abs(p - c);
    return pa <= pb && pa <= pc ? a : pb <= pc ? b : c;
  }

  private static void chunk(ByteArrayOutputStream out, String type, byte[] content) {
    byte[] name = type.getBytes(java.nio.charset.StandardCharsets.ISO_8859_1);
    CRC32 crc = new CRC32();
    crc.update(name);
    crc.update(content);
    out.writeBytes(ByteBuffer.allocate(4).putInt(content.length).array());
    out.writeBytes(name);
    out.writeBytes(content);
    out.writeBytes(ByteBuffer.allocate(4).putInt((int) crc.getValue()).array());
  }

  private static byte[] pixels(int channels, int seed) {
    byte[] pixels = new byte[WIDTH * HEIGHT * channels];
    Random random = new Random(seed);
    for (int i = 0; i < pixels.length; i++) { // smooth in places, noise in others
      pixels[i] = (byte) (i / channels % 11 == 0 ? random.nextInt(256) : i / 7);
    }
    return pixels;
  }

  @Test
  void everyFilterInEveryKindIsUndone() throws IOException {
    for (int channels : new int[] {1, 3, 4}) {
      byte[] pixels = pixels(channels, channels);
      for (int chunk : new int[] {7, 100_000}) {
        byte[] png = png(pixels, channels, chunk);
        PlainPng.Pixels plain = PlainPng.decode(png, WIDTH, HEIGHT);
        assertArrayEquals(pixels, plain.bytes());
        assertEquals(channels, plain.channels());
        BufferedImage image = ImageIO.read(new java.io.ByteArrayInputStream(png));
        assertArrayEquals(PngFile.rgb(image), plain.rgb());
      }
    }
  }

  @Test
  void whatImageIoWritesIsRead() throws IOException {
    byte[] pixels = pixels(3, 5);
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    ImageIO.write(PngFile.image(pixels, WIDTH, HEIGHT), "png", out);
    assertArrayEquals(pixels, PlainPng.decode(out.toByteArray(), WIDTH, HEIGHT).bytes());
  }

  @Test
  void othersAreLeftToImageIo() throws IOException {
    byte[] png = png(pixels(3, 1), 3, 1000);
    assertNull(PlainPng.decode(png, WIDTH + 1, HEIGHT));
    assertNull(PlainPng.decode(new byte[3], WIDTH, HEIGHT));
    assertNull(PlainPng.decode(new byte[100], WIDTH, HEIGHT));
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    BufferedImage palette = new BufferedImage(WIDTH, HEIGHT, BufferedImage.TYPE_BYTE_INDEXED);
    ImageIO.write(palette, "png", out);
    assertNull(PlainPng.decode(out.toByteArray(), WIDTH, HEIGHT));
    // A bomb: its header is believed, and is not what is wanted.
    ByteBuffer.wrap(png).putInt(16, 65_535).putInt(20, 65_535);
    assertNull(PlainPng.decode(png, WIDTH, HEIGHT));
  }

  @Test
  void damageIsToldOrHarmless() throws IOException {
    byte[] whole = png(pixels(3, 2), 3, 200);
    for (int length = 40; length < whole.length; length += 13) {
      byte[] cut = Arrays.copyOf(whole, length);
      IOException e = assertThrows(IOException.class, () -> PlainPng.decode(cut, WIDTH, HEIGHT));
      assertTrue(e.getMessage().contains("cut short"), e::getMessage);
    }
    Random random = new Random(7);
    int refused = 0;
    byte[] expected = PlainPng.decode(whole, WIDTH, HEIGHT).bytes();
    for (int i = 0; i < 20_000; i++) {
      byte[] flipped = whole.clone();
      flipped[33 + random.nextInt(whole.length - 33)] ^= (byte) (1 << random.nextInt(8));
      try {
        PlainPng.Pixels read = PlainPng.decode(flipped, WIDTH, HEIGHT);
        assertNotNull(read);
        assertArrayEquals(expected, read.bytes()); // beside the data
      } catch (IOException e) {
        refused++;
      }
    }
    assertTrue(refused > 19_000, "" + refused);
  }
}
