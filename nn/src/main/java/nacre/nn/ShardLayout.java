package nacre.nn;

import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import nacre.tensor.DType;
import nacre.tensor.Shape;
import nacre.tensor.Tensor;
import nacre.tensor.spi.DynamicCode;

/**
 * How the elements of parameters are divided among ranks. Parameters of one type lie in buckets one
 * after the other, those that were made last first, since backward comes to them first; of each
 * bucket every rank has an equal part. Parameters begin, and are cut, at multiples of {@link
 * DynamicCode#BLOCK} elements, so that codes keep their blocks and memory its alignment.
 */
final class ShardLayout {
  private static final int BLOCK = DynamicCode.BLOCK;

  /** The least bytes of a bucket: a message's delay is to be little beside the time it takes. */
  private static final long LEAST = 1 << 20;

  /** A parameter in its bucket: its elements begin at {@code at}. */
  record Member(String name, Tensor parameter, long at) {
    long end() {
      return at + parameter.elements();
    }
  }

  /**
   * Parameters of one type that are exchanged at once.
   *
   * @param elements gaps included; a multiple of the ranks
   */
  record Bucket(DType dtype, List<Member> members, int elements) {}

  /**
   * The elements {@code from} to {@code to} of a parameter, which lie at {@code at} in this rank's
   * part of a bucket.
   */
  record Piece(String name, Tensor parameter, Bucket bucket, int from, int to, int at) {
    /** These elements of a tensor like the parameter, as a row. */
    Tensor of(Tensor whole) {
      return whole.view(Shape.of(Math.toIntExact(whole.elements()))).rows(from, to);
    }

    /** Where they lie in a tensor like this rank's part. */
    Tensor in(Tensor part) {
      return part.rows(at, at + to - from);
    }
  }

  private final int rank;
  private final int ranks;
  private final List<Bucket> buckets = new ArrayList<>();
  private final Map<String, Piece> pieces = new LinkedHashMap<>();

  /**
   * Divides parameters.
   *
   * @param bucketElements a bucket is full when it has as many
   */
  ShardLayout(Map<String, Tensor> parameters, int rank, int ranks, long bucketElements) {
    this.rank = rank;
    this.ranks = ranks;
    List<Map.Entry<String, Tensor>> last = new ArrayList<>(parameters.entrySet());
    Collections.reverse(last);
    Map<DType, List<Member>> open = new EnumMap<>(DType.class);
    for (Map.Entry<String, Tensor> entry : last) {
      DType dtype = entry.getValue().dtype();
      List<Member> members = open.computeIfAbsent(dtype, _ -> new ArrayList<>());
      members.add(new Member(entry.getKey(), entry.getValue(), end(members)));
      if (end(members) >= bucketElements) {
        close(dtype, open.remove(dtype));
      }
    }
    open.forEach(this::close);
  }

  /**
   * The bytes of gradients in f32 at which a bucket is full.
   *
   * @param buckets about so many, if they are neither too small nor too large for it
   * @param most bytes of a bucket
   */
  static long bucketBytes(Map<String, Tensor> parameters, int buckets, long most) {
    long all = parameters.values().stream().mapToLong(Tensor::elements).sum() * Float.BYTES;
    return Math.clamp(all / buckets, LEAST, most);
  }

  /** Where the next one may begin. */
  private static long end(List<Member> members) {
    return members.isEmpty() ? 0 : roundUp(members.getLast().end(), BLOCK);
  }

  private static long roundUp(long n, long multiple) {
    return (n + multiple - 1) / multiple * multiple;
  }

  private void close(DType dtype, List<Member> members) {
    int elements = Math.toIntExact(roundUp(end(members), (long) BLOCK * ranks));
    Bucket bucket = new Bucket(dtype, List.copyOf(members), elements);
    buckets.add(bucket);
    long start = begin(elements);
    long stop = start + elements / ranks;
    for (Member member : members) {
      long from = Math.max(member.at, start);
      long to = Math.min(member.end(), stop);
      if (from < to) {
        pieces.put(
            member.name,
            new Piece(
                member.name,
                member.parameter,
                bucket,
                (int) (from - member.at),
                (int) (to - member.at),
                (int) (from - start)));
      }
    }
  }

  private int begin(int elements) {
    return elements / ranks * rank;
  }

  /** This rank's part of a row of as many elements as a bucket, or as few of its blocks. */
  Tensor part(Tensor flat) {
    int elements = flat.dim(0);
    return flat.rows(begin(elements), begin(elements) + elements / ranks);
  }

  List<Bucket> buckets() {
    return buckets;
  }

  /** What of the parameters is this rank's, by name. */
  Map<String, Piece> pieces() {
    return pieces;
  }
}
