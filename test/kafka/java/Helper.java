import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.admin.AbortTransactionSpec;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

/**
 * Kafka's own clients for tests of ours: a command per line of the standard input, its words apart by tabs; the answer is
 * any number of lines and one that is "done", or "failed" and why. Processes that it was told of by "own" end with it,
 * so none is left behind by a test that dies.
 */
public final class Helper {
  private static final Set<Long> owned = new HashSet<>();

  public static void main(String[] arguments) throws Exception {
    try (BufferedReader commands = new BufferedReader(new InputStreamReader(System.in))) {
      for (String line = commands.readLine(); line != null; line = commands.readLine()) {
        try {
          run(line.split("\t"));
          System.out.println("done");
        } catch (Exception failed) {
          Throwable cause = failed.getCause() == null ? failed : failed.getCause();
          System.out.println("failed\t" + cause.toString().replace('\n', ' '));
        }
        System.out.flush();
      }
    } finally {
      for (long pid : owned) ProcessHandle.of(pid).ifPresent(ProcessHandle::destroyForcibly);
    }
  }

  private static void run(String[] words) throws Exception {
    switch (words[0]) {
      case "own" -> owned.add(Long.parseLong(words[1]));
      case "nodes" -> nodes(words[1], Integer.parseInt(words[2]));
      case "open" -> open(words[1], words[2], false);
      case "abort-open" -> open(words[1], words[2], true);
      case "leader" -> leader(words[1], words[2], Integer.parseInt(words[3]));
      case "create" -> create(words[1], words[2], Integer.parseInt(words[3]));
      case "read" -> read(words[1], words[2], words[3]);
      default -> throw new IllegalArgumentException(words[0]);
    }
  }

  private static Admin admin(String servers) {
    return Admin.create(Map.of("bootstrap.servers", servers, "request.timeout.ms", "10000"));
  }

  /** Fails unless so many brokers are there. */
  private static void nodes(String servers, int wanted) throws Exception {
    try (Admin admin = admin(servers)) {
      int found = admin.describeCluster().nodes().get(5, TimeUnit.SECONDS).size();
      if (found < wanted) throw new IllegalStateException(found + " of " + wanted + " brokers");
    }
  }

  /** The partitions with open transactions, one line for each; ends them, as an administrator does. */
  private static void open(String servers, String topic, boolean ends) throws Exception {
    try (Admin admin = admin(servers)) {
      List<TopicPartition> partitions = new ArrayList<>();
      var found = admin.describeTopics(List.of(topic)).allTopicNames().get().get(topic);
      found.partitions().forEach(each -> partitions.add(new TopicPartition(topic, each.partition())));
      for (var entry : admin.describeProducers(partitions).all().get().entrySet()) {
        for (var producer : entry.getValue().activeProducers()) {
          if (producer.currentTransactionStartOffset().isEmpty()) continue;
          System.out.println(entry.getKey());
          if (!ends) continue;
          int coordinator = producer.coordinatorEpoch().orElse(0);
          short epoch = (short) producer.producerEpoch();
          var wanted =
              new AbortTransactionSpec(entry.getKey(), producer.producerId(), epoch, Math.max(0, coordinator));
          admin.abortTransaction(wanted).all().get();
        }
      }
    }
  }

  private static void leader(String servers, String topic, int partition) throws Exception {
    try (Admin admin = admin(servers)) {
      var found = admin.describeTopics(List.of(topic)).allTopicNames().get().get(topic);
      System.out.println(found.partitions().get(partition).leader().id());
    }
  }

  private static void create(String servers, String topic, int partitions)
      throws Exception {
    try (Admin admin = admin(servers)) {
      NewTopic wanted = new NewTopic(topic, Optional.of(partitions), Optional.empty());
      admin.createTopics(List.of(wanted)).all().get();
    }
  }

  /** Every record up to the end as it is now: partition, offset, key and value, in base64 or "-". */
  private static void read(String servers, String topic, String level) {
    Properties settings = new Properties();
    settings.put("bootstrap.servers", servers);
    settings.put("isolation.level", level);
    ByteArrayDeserializer bytes = new ByteArrayDeserializer();
    try (KafkaConsumer<byte[], byte[]> consumer = new KafkaConsumer<>(settings, bytes, bytes)) {
      List<TopicPartition> partitions = new ArrayList<>();
      consumer
          .partitionsFor(topic)
          .forEach(found -> partitions.add(new TopicPartition(topic, found.partition())));
      consumer.assign(partitions);
      consumer.seekToBeginning(partitions);
      Map<TopicPartition, Long> ends = consumer.endOffsets(partitions);
      long deadline = System.nanoTime() + Duration.ofSeconds(60).toNanos();
      while (partitions.stream().anyMatch(each -> consumer.position(each) < ends.get(each))) {
        if (System.nanoTime() > deadline) throw new IllegalStateException("no end of " + topic);
        for (ConsumerRecord<byte[], byte[]> record : consumer.poll(Duration.ofMillis(100))) {
          if (record.offset() >= ends.get(new TopicPartition(topic, record.partition()))) continue;
          System.out.println(
              "record\t" + record.partition() + "\t" + record.offset() + "\t"
                  + text(record.key()) + "\t" + text(record.value()));
        }
      }
    }
  }

  private static String text(byte[] bytes) {
    return bytes == null ? "-" : "=" + Base64.getEncoder().encodeToString(bytes);
  }
}
