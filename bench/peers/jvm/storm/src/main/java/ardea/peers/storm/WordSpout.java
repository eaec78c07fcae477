package ardea.peers.storm;

import ardea.peers.Feed;
import ardea.peers.Job;
import java.util.ArrayDeque;
import java.util.Map;
import org.apache.storm.spout.SpoutOutputCollector;
import org.apache.storm.task.TopologyContext;
import org.apache.storm.topology.OutputFieldsDeclarer;
import org.apache.storm.topology.base.BaseRichSpout;
import org.apache.storm.tuple.Fields;
import org.apache.storm.tuple.Values;

/** Emits the draws of the workload, one a call. With acks, a draw's number is its message id and failed ones are sent again. */
final class WordSpout extends BaseRichSpout {
  private final Job job;
  private final boolean acked;
  private transient SpoutOutputCollector collector;
  private transient Feed feed;
  private transient ArrayDeque<Long> failed;

  WordSpout(Job job) {
    this.job = job;
    acked = !job.guarantee.equals("none");
  }

  @Override
  public void open(Map<String, Object> conf, TopologyContext context, SpoutOutputCollector collector) {
    this.collector = collector;
    feed = new Feed(job, context.getThisTaskIndex());
    failed = new ArrayDeque<>();
  }

  @Override
  public void nextTuple() {
    if (!failed.isEmpty()) {
      long k = failed.poll();
      collector.emit(values(feed.again(k), feed.intendedOf(k)), k);
    } else if (!feed.next()) {
      feed.ended();
    } else if (acked) {
      collector.emit(values(feed.text(), feed.intended()), feed.drawn() - 1);
    } else {
      collector.emit(values(feed.text(), feed.intended()));
    }
  }

  private Values values(String text, long intended) {
    return job.timed() ? new Values(text, intended) : new Values(text);
  }

  @Override
  public void fail(Object k) {
    failed.add((Long) k);
  }

  @Override
  public void declareOutputFields(OutputFieldsDeclarer declarer) {
    declarer.declare(WordCount.fields(job));
  }
}
