package ardea.peers;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Holds lists and draws to the checksums that the adapters of all languages share. */
class GoldenTest {
  @Test
  void generatorOfLists() {
    Pcg pcg = new Pcg(1);
    assertEquals("9927a129abed2903", Numbers.hex(pcg.next()));
    assertEquals("16d0078c4a605356", Numbers.hex(pcg.next()));
    assertEquals("b7219997bcc14af2", Numbers.hex(pcg.next()));
    assertEquals("060fa9ae9e1453f8", Numbers.hex(pcg.next()));
  }

  @ParameterizedTest
  @CsvSource({
    "words175k, 175000, 4885308196bc1f6f, csasovph, xbbkfgqhj",
    "words20, 131072, 06aee8065ca2b11f, pcsasovphdmbzewgumvd, ceyzlozocgsxyaxembru",
    "sentences, 27, 16e130176cdaed55, the, nature",
  })
  void lists(String workload, int size, String checksum, String first, String last) {
    Words words = Words.of(workload, 1);
    assertEquals(size, words.size());
    assertEquals(checksum, Numbers.hex(words.checksum()));
    assertEquals(first, words.at(0));
    assertEquals(last, words.at(size - 1));
    assertEquals(size - 1, words.place(last));
  }

  @ParameterizedTest
  @CsvSource({
    "words175k, 0, 1000000, 892b97aa2e7c0d54, 74942013de9c4d77, 174481",
    "words175k, 1, 1000000, 79b8d2beacc5c7fe, 9bc9fa6940e538fb, 174465",
    "words20, 0, 1000000, 4863c81c54cee753, 08624551784fdc77, 131006",
    "words20, 1, 1000000, bcaa18abf11d1077, 93aafce9e950d667, 131020",
    "sentences, 0, 6401616, 9b64787b93a47db2, 0e004cffe4bc0c3b, 27",
    "sentences, 1, 6399954, cee14e49b12b0052, 81a0f6096cb81ce4, 27",
  })
  void draws(String workload, int source, long counted, String checksum, String table, long distinct) {
    Tally tally = tallyOfDraws(workload, source, "");
    assertEquals(counted, tally.counted);
    assertEquals(checksum, Numbers.hex(tally.checksum));
    assertEquals(table, Numbers.hex(tally.table));
    assertEquals(distinct, tally.distinct);
  }

  private static Tally tallyOfDraws(String workload, int source, String plant) {
    Job job = new Job();
    job.workload = workload;
    job.plant = plant;
    Words words = job.words();
    Draws draws = new Draws(1, source, words.texts().length);
    long[] counts = new long[words.size()];
    for (int i = 0; i < 1_000_000; i++) {
      words.count(draws.next(), counts);
    }
    Tally tally = new Tally(job);
    for (int i = 0; i < counts.length; i++) {
      tally.add(words.at(i), counts[i]);
    }
    return tally;
  }

  @ParameterizedTest
  @CsvSource({"lost, -1", "double, 1", "swapped, 0"})
  void plantedErrors(String plant, long more) {
    Tally good = tallyOfDraws("sentences", 0, "");
    Tally wrong = tallyOfDraws("sentences", 0, plant);
    assertEquals(good.counted + more, wrong.counted);
    assertNotEquals(good.table, wrong.table);
    assertNotEquals(good.checksum, wrong.checksum);
  }

  @Test
  void foreignWords() {
    Job job = new Job();
    job.workload = "sentences";
    Tally tally = new Tally(job);
    tally.add("zebra", 3);
    assertEquals(3, tally.foreign);
    assertEquals(0, tally.counted);
  }

  @Test
  void drawsAgain() {
    Draws draws = new Draws(1, 0, 175_000);
    assertEquals(64433, draws.next());
    assertEquals(165123, draws.next());
    assertEquals(64433, draws.at(0));
    assertEquals(165123, draws.at(1));
    draws.seek(1);
    assertEquals(165123, draws.next());
    assertEquals(7919, draws.next());
  }
}
