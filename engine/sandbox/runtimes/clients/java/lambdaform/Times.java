package lambdaform;

import java.lang.reflect.InvocationTargetException;
import java.math.BigDecimal;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.LocalTime;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.time.ZonedDateTime;
import java.util.List;

/** Values of java.time, and Joda's as AWS's event classes have them. */
final class Times {
    private Times() {}

    static boolean has(Class<?> raw) {
        return raw.getName().startsWith("java.time.") || joda(raw);
    }

    private static boolean joda(Class<?> raw) {
        return raw.getName().endsWith("org.joda.time.DateTime");
    }

    /** A date, with or without a time and an offset. */
    static Instant instant(String text) {
        if (text.length() == 10) {
            return LocalDate.parse(text).atStartOfDay().toInstant(ZoneOffset.UTC);
        }
        String offset = text.substring(10);
        if (offset.endsWith("Z")) {
            return Instant.parse(text);
        }
        if (offset.indexOf('+') < 0 && offset.indexOf('-') < 0) {
            return LocalDateTime.parse(text).toInstant(ZoneOffset.UTC);
        }
        return OffsetDateTime.parse(text.replaceFirst("([+-]\\d\\d)(\\d\\d)$", "$1:$2")).toInstant();
    }

    /** A date or time as the numbers of its fields; null when it is not. */
    static Object of(List<?> fields, Class<?> raw) {
        int[] n = new int[7];
        for (int i = 0; i < fields.size(); i++) {
            n[i] = (Integer) fields.get(i);
        }
        return raw == LocalDate.class ? LocalDate.of(n[0], n[1], n[2])
                : raw == LocalTime.class ? LocalTime.of(n[0], n[1], n[2], n[3])
                : raw == LocalDateTime.class ? LocalDateTime.of(n[0], n[1], n[2], n[3], n[4], n[5], n[6])
                : null;
    }

    static Object read(Object json, Class<?> raw) {
        if (json instanceof Number) {
            BigDecimal seconds = new BigDecimal(json.toString());
            Instant at = Instant.ofEpochSecond(seconds.longValue(), seconds.remainder(BigDecimal.ONE).movePointRight(9).longValue());
            return raw == Instant.class ? at
                    : raw == OffsetDateTime.class ? at.atOffset(ZoneOffset.UTC)
                    : raw == ZonedDateTime.class ? at.atZone(ZoneOffset.UTC)
                    : raw == Duration.class ? Duration.ofSeconds(at.getEpochSecond(), at.getNano())
                    : null;
        }
        try {
            if (joda(raw)) {
                return raw.getConstructor(Object.class).newInstance(json);
            }
            return raw.getMethod("parse", CharSequence.class).invoke(null, json);
        } catch (InvocationTargetException e) {
            throw new Mismatch(e.getCause().getMessage());
        } catch (ReflectiveOperationException e) {
            return null;
        }
    }

    /** The value as Jackson writes it by default: numbers. Null when it is written as text. */
    static String write(Object value) {
        if (value instanceof Instant) {
            return seconds(((Instant) value).getEpochSecond(), ((Instant) value).getNano());
        }
        if (value instanceof OffsetDateTime) {
            return write(((OffsetDateTime) value).toInstant());
        }
        if (value instanceof ZonedDateTime) {
            return write(((ZonedDateTime) value).toInstant());
        }
        if (value instanceof Duration) {
            return seconds(((Duration) value).getSeconds(), ((Duration) value).getNano());
        }
        if (value instanceof LocalDate) {
            return "[" + date((LocalDate) value) + "]";
        }
        if (value instanceof LocalTime) {
            return "[" + time((LocalTime) value) + "]";
        }
        if (value instanceof LocalDateTime) {
            return "[" + date(((LocalDateTime) value).toLocalDate()) + "," + time(((LocalDateTime) value).toLocalTime()) + "]";
        }
        return null;
    }

    private static String seconds(long seconds, int nanos) {
        return BigDecimal.valueOf(seconds).add(BigDecimal.valueOf(nanos, 9)).setScale(9).toPlainString();
    }

    private static String date(LocalDate date) {
        return date.getYear() + "," + date.getMonthValue() + "," + date.getDayOfMonth();
    }

    private static String time(LocalTime time) {
        String text = time.getHour() + "," + time.getMinute();
        if (time.getSecond() > 0 || time.getNano() > 0) {
            text += "," + time.getSecond();
        }
        return time.getNano() > 0 ? text + "," + time.getNano() : text;
    }
}
