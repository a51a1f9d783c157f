package lambdaform;

import java.lang.reflect.Array;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.Date;
import java.util.Iterator;
import java.util.Map;
import java.util.Optional;

/** Writes Java values as JSON, the way AWS's runtime does: what is null in a bean or map is left out. */
final class Encoder {
    private static final int DEEPEST = 500;

    private final StringBuilder out = new StringBuilder();

    private Encoder() {}

    static byte[] encode(Object value) throws Throwable {
        Encoder encoder = new Encoder();
        encoder.value(value, 0, false);
        return encoder.out.toString().getBytes(StandardCharsets.UTF_8);
    }

    /** Times in AWS's own event classes are seconds. */
    private void value(Object value, int depth, boolean seconds) throws Throwable {
        if (depth > DEEPEST) {
            throw new Mismatch("The value is more than " + DEEPEST + " levels deep, or contains itself");
        }
        if (value instanceof Optional) {
            value = ((Optional<?>) value).orElse(null);
        }
        if (value == null) {
            out.append("null");
        } else if (value instanceof CharSequence || value instanceof Character) {
            Json.quote(out, value.toString());
        } else if (value instanceof Boolean || value instanceof Number) {
            number(value);
        } else if (value instanceof Enum) {
            Json.quote(out, ((Enum<?>) value).name());
        } else if (value instanceof Map) {
            map((Map<?, ?>) value, depth, seconds);
        } else if (value instanceof byte[]) {
            Json.quote(out, Base64.getEncoder().encodeToString((byte[]) value));
        } else if (value instanceof char[]) {
            Json.quote(out, new String((char[]) value));
        } else if (value.getClass().isArray()) {
            array(value, depth, seconds);
        } else if (value instanceof Iterable && !(value instanceof java.nio.file.Path)) {
            list(((Iterable<?>) value).iterator(), depth, seconds);
        } else if (value instanceof Iterator) {
            list((Iterator<?>) value, depth, seconds);
        } else {
            other(value, depth, seconds);
        }
    }

    private void other(Object value, int depth, boolean seconds) throws Throwable {
        if (value instanceof Date) {
            long millis = ((Date) value).getTime();
            out.append(seconds ? String.valueOf(millis / 1000.0) : String.valueOf(millis));
        } else if (value instanceof ByteBuffer) {
            ByteBuffer data = ((ByteBuffer) value).asReadOnlyBuffer();
            byte[] bytes = new byte[data.remaining()];
            data.get(bytes);
            Json.quote(out, Base64.getEncoder().encodeToString(bytes));
        } else if (Times.has(value.getClass())) {
            String written = Times.write(value);
            if (written == null) {
                Json.quote(out, value.toString());
            } else {
                out.append(written);
            }
        } else if (value instanceof Class) {
            Json.quote(out, ((Class<?>) value).getName());
        } else if (value instanceof java.util.UUID || value instanceof java.net.URI || value instanceof java.net.URL
                || value instanceof java.io.File || value instanceof java.nio.file.Path || value instanceof java.util.Locale) {
            Json.quote(out, value.toString());
        } else {
            bean(value, depth);
        }
    }

    private void number(Object value) {
        if (value instanceof Double && !Double.isFinite((Double) value) || value instanceof Float && !Float.isFinite((Float) value)) {
            Json.quote(out, value.toString());
        } else {
            out.append(value);
        }
    }

    private void map(Map<?, ?> map, int depth, boolean seconds) throws Throwable {
        out.append('{');
        boolean more = false;
        for (Map.Entry<?, ?> entry : map.entrySet()) {
            if (entry.getValue() == null) {
                continue;
            }
            Object key = entry.getKey();
            if (key == null) {
                throw new Mismatch("A map has a null key, which JSON has not");
            }
            name(key instanceof Enum ? ((Enum<?>) key).name() : key.toString(), more);
            value(entry.getValue(), depth + 1, seconds);
            more = true;
        }
        out.append('}');
    }

    private void list(Iterator<?> all, int depth, boolean seconds) throws Throwable {
        out.append('[');
        for (boolean more = false; all.hasNext(); more = true) {
            if (more) {
                out.append(',');
            }
            value(all.next(), depth + 1, seconds);
        }
        out.append(']');
    }

    private void array(Object array, int depth, boolean seconds) throws Throwable {
        out.append('[');
        for (int i = 0; i < Array.getLength(array); i++) {
            if (i > 0) {
                out.append(',');
            }
            value(Array.get(array, i), depth + 1, seconds);
        }
        out.append(']');
    }

    private void bean(Object value, int depth) throws Throwable {
        Bean bean = Bean.of(value.getClass());
        out.append('{');
        boolean more = false;
        for (Bean.Property p : bean.properties()) {
            String name = p.readable() ? bean.name(p) : null;
            Object member = name == null ? null : p.get(value);
            if (member == null) {
                continue;
            }
            name(name, more);
            value(member, depth + 1, bean.event());
            more = true;
        }
        out.append('}');
    }

    private void name(String name, boolean more) {
        if (more) {
            out.append(',');
        }
        Json.quote(out, name);
        out.append(':');
    }
}
