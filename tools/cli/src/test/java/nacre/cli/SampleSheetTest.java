package nacre.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import nacre.neuralassets.edit.EditParser;
import org.junit.jupiter.api.Test;

class SampleSheetTest {
  @Test
  void aCaptionNamesAllEdits() {
    assertEquals(
        "cup 90°; box × 1.3; ball; of scene 3",
        SampleSheet.caption(
            EditParser.parse("rotate cup 90; resize box 1.3; remove ball; background 3")));
    assertEquals("", SampleSheet.caption(List.of()));
  }
}
