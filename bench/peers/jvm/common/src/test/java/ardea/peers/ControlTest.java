package ardea.peers;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.ByteArrayOutputStream;
import java.io.PipedInputStream;
import java.io.PipedOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The course of a run that is told to stop before anything was counted. */
class ControlTest {
  private interface Drained {
    boolean drain() throws Exception;
  }

  /** Only drains. */
  private record Late(Drained drained) implements Peer {
    @Override
    public Map<String, String> versions() {
      return Map.of();
    }

    @Override
    public void start(Job job, Control control) {}

    @Override
    public boolean drain() throws Exception {
      return drained.drain();
    }

    @Override
    public void close() {}
  }

  private final Job job = new Job();
  private final ByteArrayOutputStream out = new ByteArrayOutputStream();
  private final PipedOutputStream orders = new PipedOutputStream();
  private final CompletableFuture<Integer> status = new CompletableFuture<>();
  private final Control control;

  ControlTest() throws Exception {
    job.workload = "sentences";
    control = new Control(job, new Output(out), new PipedInputStream(orders), status::complete);
    orders.write("stop\n".getBytes(StandardCharsets.UTF_8));
    orders.flush();
  }

  private List<String> types() {
    return out.toString(StandardCharsets.UTF_8)
        .lines()
        .map(line -> JsonParser.parseString(line).getAsJsonObject())
        .map((JsonObject line) -> line.get("type").getAsString())
        .toList();
  }

  private List<String> typesOf(int words) throws Exception {
    control.run(new Late(() -> {
      CounterProbe counter = Probe.of(job).counter();
      for (int i = 0; i < words; i++) {
        counter.counted();
      }
      return true;
    }));
    return types();
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

  @Test
  @Timeout(60)
  void endsWithTheDriverWhileItDrains() throws Exception {
    control.run(new Late(() -> {
      orders.close();
      assertEquals(Control.STATUS_ENDED, status.get());
      return true;
    }));
  }

  @Test
  @Timeout(60)
  void endsWellAfterTheResult() throws Exception {
    typesOf(0);
    orders.close();
    assertEquals(0, status.get());
  }

  @Test
  @Timeout(60)
  void failsAtOnceWhileItDrains() {
    Peer fails = new Late(() -> {
      control.fail(new IllegalStateException("planted"));
      return control.awaitCounted();
    });
    assertEquals("planted", assertThrows(IllegalStateException.class, () -> control.run(fails)).getCause().getMessage());
    assertEquals(List.of("hello", "processes"), types());
  }
}
