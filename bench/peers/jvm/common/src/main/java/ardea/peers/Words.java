package ardea.peers;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** The words of a workload, and what its sources draw: a word, or a sentence of words. */
public final class Words {
  private static final int[] WEIGHTS = {2, 6, 9, 13, 15, 16, 15, 13, 11}; // of lengths from 3
  private static final int SHORTEST = 3;
  private static final List<String> SENTENCES =
      List.of(
          "the cow jumped over the moon",
          "an apple a day keeps the doctor away",
          "four score and seven years ago",
          "snow white and the seven dwarfs",
          "i am at two with nature");

  private final String[] list;
  private final String[] texts;
  private final int[][] placesOfText; // null: a text is the word at its place
  private final Map<String, Integer> places;

  private Words(String[] list, String[] texts) {
    this.list = list;
    this.texts = texts;
    places = new HashMap<>(2 * list.length);
    for (int i = 0; i < list.length; i++) {
      places.put(list[i], i);
    }
    placesOfText = list == texts ? null : new int[texts.length][];
    for (int i = 0; placesOfText != null && i < texts.length; i++) {
      placesOfText[i] = List.of(texts[i].split(" ")).stream().mapToInt(places::get).toArray();
    }
  }

  /** Makes the words of a workload. */
  public static Words of(String workload, long seed) {
    switch (workload) {
      case "words175k":
      case "pipeline":
        return random(175_000, seed, 0);
      case "words20":
        return random(131_072, seed, 20);
      case "sentences":
        Set<String> words = new LinkedHashSet<>();
        SENTENCES.forEach(s -> words.addAll(List.of(s.split(" "))));
        return new Words(words.toArray(String[]::new), SENTENCES.toArray(String[]::new));
      default:
        throw new UsageException("unknown workload " + workload);
    }
  }

  /** Whether a draw of the workload is a sentence. */
  public static boolean areSentences(String workload) {
    return workload.equals("sentences");
  }

  private static Words random(int n, long seed, int length) {
    Pcg pcg = new Pcg(seed);
    LinkedHashSet<String> words = new LinkedHashSet<>(2 * n);
    while (words.size() < n) {
      byte[] word = new byte[length > 0 ? length : randomLength(pcg)];
      for (int i = 0; i < word.length; i++) {
        word[i] = (byte) ('a' + pcg.below(26));
      }
      words.add(new String(word, StandardCharsets.ISO_8859_1));
    }
    String[] list = new ArrayList<>(words).toArray(String[]::new);
    return new Words(list, list);
  }

  private static int randomLength(Pcg pcg) {
    int at = pcg.below(100);
    for (int i = 0; ; i++) {
      at -= WEIGHTS[i];
      if (at < 0) {
        return SHORTEST + i;
      }
    }
  }

  /** Returns the number of different words. */
  int size() {
    return list.length;
  }

  /** Returns what sources draw from, shared: words or sentences. */
  String[] texts() {
    return texts;
  }

  /** Returns the number of words in the text at a place. */
  int wordsIn(int text) {
    return placesOfText == null ? 1 : placesOfText[text].length;
  }

  /** Adds the words of a text to counts by place. */
  void count(int text, long[] counts) {
    if (placesOfText == null) {
      counts[text]++;
      return;
    }
    for (int place : placesOfText[text]) {
      counts[place]++;
    }
  }

  /** Returns the places of the first two different words that the first source draws: every run counts both. */
  int[] firstTwo(long seed) {
    Draws draws = new Draws(seed, 0, texts.length);
    int first = -1;
    while (true) {
      int text = draws.next();
      int[] drawn = placesOfText == null ? new int[] {text} : placesOfText[text];
      for (int place : drawn) {
        if (first < 0) {
          first = place;
        } else if (place != first) {
          return new int[] {first, place};
        }
      }
    }
  }

  /** Returns the place of a word, -1 if it is not in the list. */
  int place(String word) {
    return places.getOrDefault(word, -1);
  }

  String at(int place) {
    return list[place];
  }

  /** Returns FNV-1a of all words, each with a newline. */
  long checksum() {
    long hash = 0xcbf29ce484222325L;
    for (String word : list) {
      for (byte b : (word + "\n").getBytes(StandardCharsets.ISO_8859_1)) {
        hash = (hash ^ b) * 0x100000001b3L;
      }
    }
    return hash;
  }
}
