package nacre.nn;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class NameGlobTest {
  @ParameterizedTest
  @CsvSource({
    "*, unet.conv_in.weight, true",
    "unet.*, unet.conv_in.weight, true",
    "unet.*, vit.unet.weight, false",
    "*.weight, unet.conv_in.weight, true",
    "*.weight, unet.conv_in.bias, false",
    "unet.*attn?.*.weight, unet.mid_block.attn1.to_q.weight, true",
    "unet.*attn?.*.weight, unet.mid_block.attn.to_q.weight, false",
    "neck.weight, neck.weight, true",
    "neck.weight, neck.weights, false",
    "neck.weight, neckxweight, false",
    "*a*b, xaxbxb, true",
    "*a*b, xaxbxbx, false",
    "neck**, neck, true",
    "?, '', false",
    "'', '', true",
    "unet.[a-z], unet.b, false"
  })
  void aStarIsAnyCharactersAndAQuestionMarkOne(String pattern, String name, boolean matches) {
    assertEquals(matches, new NameGlob(pattern).matches(name));
  }
}
