package ardea.peers;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Reads command lines. */
class JobTest {
  @TempDir Path rows;

  @BeforeEach
  void writeRows() throws IOException {
    String row =
        "{'variant':'plain','guarantee':'none','exact':false,'processes':2,'missing':'','workloads':['words20'],'set':{'a':'1','b':'2'}}\n"
            + "{'variant':'gone','guarantee':'none','exact':false,'processes':1,'missing':'a jar','workloads':['words20'],'set':{}}\n";
    Files.writeString(rows.resolve("p.jsonl"), row.replace('\'', '"'));
  }

  private Job parse(String line) throws IOException {
    return Job.parse(List.of(line.split(" ")), rows);
  }

  @Test
  void takesTheRow() throws IOException {
    Job job = parse("--peer p --variant plain --workload words20 --set b=3 --rate 100 --seed 7");
    assertEquals("1", job.setting("a"));
    assertEquals("3", job.setting("b"));
    assertEquals(2, job.processes);
    assertFalse(job.exact);
    assertEquals(7, job.seed);
    assertTrue(job.timed());
  }

  @Test
  void refusesWhatTheRowHasNot() {
    String line = "--peer p --variant plain --workload words20 ";
    for (String more :
        List.of("--set c=1", "--guarantee exactly-once", "--processes 1", "--nonsense 1", "--rate x", "--workload pipeline")) {
      assertThrows(UsageException.class, () -> parse(line + more), more);
    }
    assertThrows(UsageException.class, () -> parse("--peer p --variant other --workload words20"));
    assertThrows(UsageException.class, () -> parse("--peer q --variant plain --workload words20"));
  }

  @Test
  void saysWhatIsMissing() {
    MissingException e =
        assertThrows(MissingException.class, () -> parse("--peer p --variant gone --workload words20"));
    assertEquals("a jar", e.getMessage());
  }
}
