package ardea.peers.kafka;

import ardea.peers.Control;
import ardea.peers.Feed;
import ardea.peers.Job;
import ardea.peers.Probe;
import java.nio.ByteBuffer;
import java.util.concurrent.locks.LockSupport;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.StringSerializer;

/**
 * A source: appends its draws to the input topic, words as keys. One thread each. Nothing in Kafka slows sources down when
 * counting lags behind; so that a run can be drained, a source without a rate waits while the topic is too far ahead.
 */
final class WordProducer extends Thread {
  private static final byte[] NOTHING = {};
  private static final int CHECK = 1024; // draws between two looks at the lag
  private static final long PAUSE = 1_000_000; // nanoseconds

  private final Job job;
  private final KafkaProducer<String, byte[]> producer;
  private final Feed feed;
  private final long lag;
  private final Control control;
  private volatile boolean failed;

  WordProducer(Job job, Control control, Broker broker, int index) {
    super("source " + index);
    setDaemon(true);
    this.job = job;
    this.control = control;
    feed = new Feed(job, index);
    lag = job.timed() ? Long.MAX_VALUE : Long.parseLong(job.setting("lag"));
    producer = new KafkaProducer<>(Settings.producer(job, broker), new StringSerializer(), new ByteArraySerializer());
  }

  @Override
  public void run() {
    try (producer) {
      while (!feed.ended() && !failed) {
        if (feed.drawn() % CHECK == 0 && Probe.of(job).lag() > lag) {
          LockSupport.parkNanos(PAUSE);
        } else if (feed.next()) {
          byte[] value = job.timed() ? ByteBuffer.allocate(8).putLong(feed.intended()).array() : NOTHING;
          producer.send(new ProducerRecord<>(WordCount.INPUT, feed.text(), value), (metadata, e) -> failed(e));
        } else {
          feed.pause();
        }
      }
    } catch (Throwable e) {
      failed(e);
    }
  }

  /** Ends the run, at once: what was not sent is never counted. */
  private void failed(Throwable e) {
    if (e != null && !failed) {
      failed = true;
      control.fail(e);
    }
  }
}
