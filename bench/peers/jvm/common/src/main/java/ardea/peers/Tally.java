package ardea.peers;

import java.io.Serializable;

/** A summary of final counts. Tallies of different words add up. Not for concurrent use. */
public final class Tally implements Serializable {
  long counted;
  long distinct;
  long foreign;
  long checksum;
  long table;

  private final transient Words words;
  private final transient String plant;
  private final transient int[] spoilt;

  /** Makes the tally of the counts that will be added, with a planted error if the job has one. */
  public Tally(Job job) {
    words = job.words();
    plant = job.plant;
    spoilt = plant.isEmpty() ? new int[] {-1, -1} : words.firstTwo(job.seed);
  }

  /** Adds the final count of a word, at most once for each word. */
  public void add(String word, long count) {
    int place = words.place(word);
    if (place < 0) {
      foreign += count;
      return;
    }
    add(place, count);
  }

  void add(int place, long count) {
    if (count == 0) {
      return;
    }
    count += planted(place);
    counted += count;
    distinct++;
    long hash = Numbers.mix(place);
    checksum += count * hash;
    table += Numbers.scramble(hash + count);
  }

  private long planted(int place) {
    switch (plant) {
      case "lost":
        return place == spoilt[0] ? -1 : 0;
      case "double":
        return place == spoilt[0] ? 1 : 0;
      case "swapped":
        return place == spoilt[0] ? -1 : place == spoilt[1] ? 1 : 0;
      default:
        return 0;
    }
  }

  /** Adds the tally of other words. */
  void merge(Tally other) {
    counted += other.counted;
    distinct += other.distinct;
    foreign += other.foreign;
    checksum += other.checksum;
    table += other.table;
  }
}
