package ardea.peers;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The course of a run that is told to stop before anything was counted. */
class ControlTest {
  /** Counts words while it is drained. */
  private record Late(Job job, int words) implements Peer {
    @Override
    public Map<String, String> versions() {
      return Map.of();
    }

    @Override
    public void start(Job job, Control control) {}

    @Override
    public boolean drain() {
      CounterProbe counter = Probe.of(job).counter();
      for (int i = 0; i < words; i++) {
        counter.counted();
      }
      return true;
    }

    @Override
    public void close() {}
  }

  private static List<String> typesOf(int words) throws Exception {
    InputStream before = System.in;
    System.setIn(new ByteArrayInputStream("stop\n".getBytes(StandardCharsets.UTF_8)));
    try {
      Job job = new Job();
      job.workload = "sentences";
      ByteArrayOutputStream out = new ByteArrayOutputStream();
      new Control(job, new Output(out)).run(new Late(job, words));
      return out.toString(StandardCharsets.UTF_8)
          .lines()
          .map(line -> JsonParser.parseString(line).getAsJsonObject())
          .map((JsonObject line) -> line.get("type").getAsString())
          .toList();
    } finally {
      System.setIn(before);
    }
  }

  @Test
  @Timeout(60)
  void tellsTheFirstResultHoweverLate() throws Exception {
    assertEquals(List.of("hello", "processes", "first-result", "result"), typesOf(2));
  }

  @Test
  @Timeout(60)
  void tellsNoneIfThereIsNone() throws Exception {
    assertEquals(List.of("hello", "processes", "result"), typesOf(0));
  }
}
