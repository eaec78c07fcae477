package ardea.peers.kafka;

import ardea.peers.Job;
import java.util.Properties;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.streams.StreamsConfig;

/** Options of producers and of Kafka Streams as the row and the command line say. */
final class Settings {
  private static final int TRANSACTION_MILLISECONDS = 60_000; // a busy machine may take long to commit

  private Settings() {}

  static Properties producer(Job job, Broker broker) {
    Properties p = new Properties();
    p.put(ProducerConfig.BOOTSTRAP_SERVERS_CONFIG, broker.address());
    p.put(ProducerConfig.LINGER_MS_CONFIG, job.setting("linger"));
    p.put(ProducerConfig.BATCH_SIZE_CONFIG, job.setting("batch"));
    return p;
  }

  static Properties streams(Job job, Broker broker) {
    Properties p = new Properties();
    p.put(StreamsConfig.APPLICATION_ID_CONFIG, "word-count");
    p.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, broker.address());
    p.put(StreamsConfig.STATE_DIR_CONFIG, job.folder().resolve("state").toString());
    p.put(StreamsConfig.NUM_STREAM_THREADS_CONFIG, job.parallelism);
    p.put(StreamsConfig.PROCESSING_GUARANTEE_CONFIG,
        job.guarantee.equals("exactly-once") ? StreamsConfig.EXACTLY_ONCE_V2 : StreamsConfig.AT_LEAST_ONCE);
    p.put(StreamsConfig.COMMIT_INTERVAL_MS_CONFIG, job.setting("commit"));
    p.put(StreamsConfig.STATESTORE_CACHE_MAX_BYTES_CONFIG, job.setting("cache"));
    p.put(StreamsConfig.producerPrefix(ProducerConfig.BATCH_SIZE_CONFIG), job.setting("batch"));
    p.put(StreamsConfig.producerPrefix(ProducerConfig.TRANSACTION_TIMEOUT_CONFIG), TRANSACTION_MILLISECONDS);
    p.put("consumer.auto.offset.reset", "earliest");
    return p;
  }
}
