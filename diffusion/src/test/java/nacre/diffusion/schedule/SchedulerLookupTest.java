package nacre.diffusion.schedule;

import static nacre.diffusion.schedule.NoiseScheduleTest.assertMessage;
import static nacre.diffusion.schedule.NoiseScheduleTest.json;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.core.JsonProcessingException;
import java.util.HashMap;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Schedulers by the names of Nacre and of other tools. */
class SchedulerLookupTest {
  @ParameterizedTest
  @CsvSource({
    "DPM++ 2M, DPMSolverMultistepScheduler, dpm++",
    "DPM++ 2M Karras, DPMSolverMultistepScheduler, dpm++-karras",
    "dpmpp_2m, DPMSolverMultistepScheduler, dpm++",
    "dpm++2m, DPMSolverMultistepScheduler, dpm++",
    "dpm++-karras, DPMSolverMultistepScheduler, dpm++-karras",
    "DPM++ 2M SDE Karras, DPMSolverMultistepScheduler, dpm++-2m-sde-karras",
    "dpm++2m_sde, DPMSolverMultistepScheduler, dpm++-2m-sde",
    "DPM++ SDE Karras, DPMSolverSDEScheduler, dpm++-sde-karras",
    "dpmpp_sde, DPMSolverSDEScheduler, dpm++-sde",
    "Euler a, EulerAncestralDiscreteScheduler, euler-a",
    "euler_ancestral, EulerAncestralDiscreteScheduler, euler-a",
    "k_euler, EulerDiscreteScheduler, euler",
    "EULER-BETA, EulerDiscreteScheduler, euler-beta",
    "Heun, HeunDiscreteScheduler, heun",
    "DPM2, KDPM2DiscreteScheduler, dpm2",
    "DPM2 a Karras, KDPM2AncestralDiscreteScheduler, dpm2-a-karras",
    "LMS Karras, LMSDiscreteScheduler, lms-karras",
    "uni_pc, UniPCMultistepScheduler, unipc",
    "uni_pc_bh2, UniPCMultistepScheduler, unipc",
    "deis exponential, DEISMultistepScheduler, deis-exponential",
    "PLMS, PNDMScheduler, pndm",
    "LCM, LCMScheduler, lcm",
    "tcd, TCDScheduler, tcd"
  })
  void otherToolsNamesAreUnderstood(String name, String className, String own) {
    SchedulerChoice choice = Schedulers.named(name);
    assertEquals(className, choice.kind().className());
    assertEquals(own, choice.toString());
  }

  @Test
  void noTwoHaveTheSameName() {
    Map<String, String> owners = new HashMap<>();
    for (SchedulerChoice choice : Schedulers.choices()) {
      SchedulerName name = choice.name();
      Stream.concat(Stream.of(name.name()), name.aliases().stream())
          .map(SchedulerName::plain)
          .distinct()
          .forEach(plain -> assertNull(owners.put(plain, name.name()), plain));
      assertEquals(choice.toString(), Schedulers.named(choice.toString()).toString());
    }
  }

  @Test
  void aSpacingReplacesTheFolders() throws JsonProcessingException {
    SchedulerConfig config =
        Schedulers.named("euler-beta").configure(json("{'use_karras_sigmas': true}"));
    assertEquals(SigmaSpacing.BETA, ((EulerConfig) config.method()).sigmas().spacing());
    config = Schedulers.named("euler").configure(json("{'use_karras_sigmas': true}"));
    assertEquals(SigmaSpacing.KARRAS, ((EulerConfig) config.method()).sigmas().spacing());
  }

  @Test
  void aNameThatIsNotThereBringsThoseThatAreNear() {
    assertMessage("did you mean heun?", () -> Schedulers.named("hune"));
    assertMessage("did you mean unipc", () -> Schedulers.named("unipcm"));
    assertMessage("did you mean dpm++-2s", () -> Schedulers.named("DPM++ 2S a"));
    assertMessage("there are 18: ddim, ddpm, pndm", () -> Schedulers.named("magic"));
    assertMessage("ddim, which is DDIMScheduler", () -> Schedulers.named("ddim-karras"));
    assertFalse(messageOf("magic").contains("did you mean"));
  }

  private static String messageOf(String name) {
    try {
      Schedulers.named(name);
    } catch (IllegalArgumentException e) {
      return e.getMessage();
    }
    throw new AssertionError(name + " is there");
  }

  @Test
  void beginsOfTwoStageSamplersCountBothStages() throws JsonProcessingException {
    Scheduler heun = Scheduler.of(Schedulers.named("heun").configure(json("{}")), 6);
    assertEquals(11, heun.steps());
    assertEquals(6, heun.requestedSteps());
    assertEquals(6, heun.beginIndex(0.6));
    assertMessage("second stage", () -> heun.start(3));
    assertTrue(heun.timestep(1) == heun.timestep(2));
  }
}
