package lambdaform;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.util.Base64;
import java.util.Date;

/** Values that JSON writes as one string, number or boolean. */
final class Scalars {
    private static final Object NOT = new Object(); // what cannot be made of the JSON

    private Scalars() {}

    static boolean has(Class<?> raw) {
        return raw.isPrimitive() || raw.isEnum() || Number.class.isAssignableFrom(raw) || raw == String.class || raw == CharSequence.class
                || raw == Boolean.class || raw == Character.class || raw == ByteBuffer.class || Date.class == raw
                || raw == java.util.UUID.class || raw == java.net.URI.class || raw == java.net.URL.class || Times.has(raw);
    }

    static Object read(Object json, Class<?> raw, boolean seconds) {
        try {
            Object value = of(json, raw, seconds);
            if (value != NOT) {
                return value;
            }
        } catch (Mismatch e) {
            throw e;
        } catch (RuntimeException | java.net.MalformedURLException e) {
            throw Mismatch.of(json, raw);
        }
        throw Mismatch.of(json, raw);
    }

    private static Object of(Object json, Class<?> raw, boolean seconds) throws java.net.MalformedURLException {
        if (json instanceof java.util.List && Times.has(raw)) {
            Object time = Times.of((java.util.List<?>) json, raw);
            return time == null ? NOT : time;
        }
        if (json instanceof java.util.Map || json instanceof java.util.List) {
            return NOT;
        }
        if (raw == String.class || raw == CharSequence.class) {
            return json.toString();
        }
        if (json instanceof String && ((String) json).isEmpty()) {
            return empty(raw);
        }
        if (raw == boolean.class || raw == Boolean.class) {
            return json instanceof Number ? ((Number) json).intValue() != 0 : json instanceof Boolean ? json : bool((String) json);
        }
        if (raw == char.class || raw == Character.class) {
            return json instanceof Number ? (char) ((Number) json).intValue() : ((String) json).length() == 1 ? ((String) json).charAt(0) : NOT;
        }
        if (raw.isEnum()) {
            return constant(json, raw);
        }
        if (raw == ByteBuffer.class) {
            return ByteBuffer.wrap(base64((String) json, raw));
        }
        if (raw == Date.class) {
            return seconds && json instanceof Number ? new Date((long) (((Number) json).doubleValue() * 1000))
                    : json instanceof Number ? new Date(((Number) json).longValue()) : Date.from(Times.instant((String) json));
        }
        if (raw == java.util.UUID.class) {
            return java.util.UUID.fromString((String) json);
        }
        if (raw == java.net.URI.class) {
            return java.net.URI.create((String) json);
        }
        if (raw == java.net.URL.class) {
            return new java.net.URL((String) json);
        }
        if (Times.has(raw)) {
            Object time = Times.read(json, raw);
            return time == null ? NOT : time;
        }
        return json instanceof Boolean ? NOT : number(json instanceof Number ? json.toString() : ((String) json).trim(), raw);
    }

    private static Object bool(String text) {
        return text.equalsIgnoreCase("true") ? Boolean.TRUE : text.equalsIgnoreCase("false") ? Boolean.FALSE : NOT;
    }

    private static Object empty(Class<?> raw) {
        return raw.isPrimitive() ? java.lang.reflect.Array.get(java.lang.reflect.Array.newInstance(raw, 1), 0) : null; // as by AWS's runtime
    }

    private static Object constant(Object json, Class<?> raw) {
        Object[] all = raw.getEnumConstants();
        if (json instanceof Integer) {
            return all[(Integer) json];
        }
        for (Object one : all) {
            if (((Enum<?>) one).name().equals(json)) {
                return one;
            }
        }
        return null; // as by AWS's runtime
    }

    private static Object number(String text, Class<?> raw) {
        if (raw == double.class || raw == Double.class) {
            return Double.valueOf(text);
        }
        if (raw == float.class || raw == Float.class) {
            return Float.valueOf(text);
        }
        BigDecimal exact = new BigDecimal(text);
        if (raw == BigDecimal.class) {
            return exact;
        }
        if (raw == Number.class) {
            return exact.scale() == 0 && exact.toBigInteger().bitLength() < 32 ? (Object) exact.intValue() : exact.scale() == 0 ? exact.longValueExact() : (Object) exact.doubleValue();
        }
        BigInteger whole = exact.toBigInteger(); // a fraction is dropped, as by AWS's runtime
        if (raw == BigInteger.class) {
            return whole;
        }
        if (raw == int.class || raw == Integer.class) {
            return whole.intValueExact();
        }
        if (raw == long.class || raw == Long.class) {
            return whole.longValueExact();
        }
        if (raw == short.class || raw == Short.class) {
            return whole.shortValueExact();
        }
        if (raw == byte.class || raw == Byte.class) {
            return whole.byteValueExact();
        }
        if (raw == java.util.concurrent.atomic.AtomicInteger.class) {
            return new java.util.concurrent.atomic.AtomicInteger(whole.intValueExact());
        }
        if (raw == java.util.concurrent.atomic.AtomicLong.class) {
            return new java.util.concurrent.atomic.AtomicLong(whole.longValueExact());
        }
        return NOT;
    }

    static byte[] base64(String text, Class<?> raw) {
        try {
            return Base64.getDecoder().decode(text);
        } catch (IllegalArgumentException e) {
            throw new Mismatch("Cannot make a value of type " + raw.getSimpleName() + " of a string that is not base64");
        }
    }
}
