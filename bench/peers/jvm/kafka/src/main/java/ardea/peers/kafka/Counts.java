package ardea.peers.kafka;

import ardea.peers.Job;
import ardea.peers.Tally;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.LongDeserializer;
import org.apache.kafka.common.serialization.StringDeserializer;

/** Reads the output topic to its end: the newest count of each word is its final one. */
final class Counts {
  private Counts() {}

  static Tally read(Job job, Broker broker) {
    Map<String, Object> settings =
        Map.of("bootstrap.servers", broker.address(), "isolation.level", "read_committed");
    Map<String, Long> newest = new HashMap<>();
    try (KafkaConsumer<String, Long> consumer =
        new KafkaConsumer<>(settings, new StringDeserializer(), new LongDeserializer())) {
      List<TopicPartition> partitions =
          consumer.partitionsFor(WordCount.OUTPUT).stream()
              .map(p -> new TopicPartition(p.topic(), p.partition()))
              .toList();
      consumer.assign(partitions);
      consumer.seekToBeginning(partitions);
      Map<TopicPartition, Long> ends = consumer.endOffsets(partitions);
      while (partitions.stream().anyMatch(p -> consumer.position(p) < ends.get(p))) {
        consumer.poll(Duration.ofSeconds(1)).forEach(r -> newest.put(r.key(), r.value()));
      }
    }
    Tally tally = new Tally(job);
    newest.forEach(tally::add);
    return tally;
  }
}
