package lambdaform;

import java.lang.reflect.Array;
import java.lang.reflect.GenericArrayType;
import java.lang.reflect.Modifier;
import java.lang.reflect.Type;
import java.math.BigDecimal;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;

/** Makes Java values of a declared type out of parsed JSON. */
final class Binder {
    private Binder() {}

    static Object bind(Object json, Type type) {
        return bind(json, type, false);
    }

    /** Times in AWS's own event classes are seconds. */
    static Object bind(Object json, Type type, boolean seconds) {
        Class<?> raw = Generics.raw(type);
        if (raw == Optional.class) {
            return Optional.ofNullable(bind(json, Generics.argument(type, Optional.class, 0), seconds));
        }
        if (json == null) {
            return raw.isPrimitive() ? Array.get(Array.newInstance(raw, 1), 0) : null;
        }
        if (raw == Object.class) {
            return plain(json);
        }
        if (raw == Void.class || raw == void.class) {
            return null;
        }
        if (Scalars.has(raw)) {
            if (json instanceof List && ((List<?>) json).size() == 1) { // as AWS's runtime does
                json = ((List<?>) json).get(0);
            }
            return json == null ? bind(null, type) : Scalars.read(json, raw, seconds);
        }
        if (Map.class.isAssignableFrom(raw)) {
            return map(json, type, raw, seconds);
        }
        if (Collection.class.isAssignableFrom(raw) || raw == Iterable.class) {
            Collection<Object> all = collection(raw);
            Type element = Generics.argument(type, Iterable.class, 0);
            for (Object each : elements(json)) {
                all.add(bind(each, element, seconds));
            }
            return all;
        }
        if (raw.isArray()) {
            return array(json, type, raw, seconds);
        }
        return bean(json, type, raw);
    }

    private static Object bean(Object json, Type type, Class<?> raw) {
        if (json instanceof String && ((String) json).isEmpty()) {
            return null;
        }
        if (json instanceof List && ((List<?>) json).size() < 2) {
            return ((List<?>) json).isEmpty() ? null : bind(((List<?>) json).get(0), type);
        }
        if (!(json instanceof Map)) {
            throw Mismatch.of(json, raw);
        }
        return Bean.of(type).read((Map<?, ?>) json);
    }

    /** What a type that says nothing gets. */
    private static Object plain(Object json) {
        if (json instanceof BigDecimal) {
            return ((BigDecimal) json).doubleValue();
        }
        if (json instanceof Map) {
            for (Map.Entry<Object, Object> entry : Binder.<Map<Object, Object>>cast(json).entrySet()) {
                entry.setValue(plain(entry.getValue()));
            }
        }
        if (json instanceof List) {
            Binder.<List<Object>>cast(json).replaceAll(Binder::plain);
        }
        return json;
    }

    private static Map<Object, Object> map(Object json, Type type, Class<?> raw, boolean seconds) {
        if (!(json instanceof Map)) {
            throw Mismatch.of(json, raw);
        }
        Type key = Generics.argument(type, Map.class, 0);
        Type value = Generics.argument(type, Map.class, 1);
        Map<Object, Object> map;
        if (raw.isAssignableFrom(LinkedHashMap.class)) {
            map = new LinkedHashMap<>();
        } else if (raw.isAssignableFrom(TreeMap.class) && SortedMap.class.isAssignableFrom(raw)) {
            map = new TreeMap<>();
        } else if (raw.isAssignableFrom(java.util.concurrent.ConcurrentHashMap.class)) {
            map = new java.util.concurrent.ConcurrentHashMap<>();
        } else {
            map = cast(create(raw));
        }
        for (Map.Entry<?, ?> entry : ((Map<?, ?>) json).entrySet()) {
            String name = (String) entry.getKey();
            try {
                map.put(key == Object.class ? name : bind(name, key, seconds), bind(entry.getValue(), value, seconds));
            } catch (Mismatch e) {
                throw e.in(name);
            }
        }
        return map;
    }

    private static Collection<Object> collection(Class<?> raw) {
        if (raw.isAssignableFrom(ArrayList.class)) {
            return new ArrayList<>();
        }
        if (raw.isAssignableFrom(LinkedHashSet.class)) {
            return new LinkedHashSet<>();
        }
        if (raw.isAssignableFrom(TreeSet.class) && SortedSet.class.isAssignableFrom(raw)) {
            return new TreeSet<>();
        }
        if (raw.isAssignableFrom(ArrayDeque.class)) {
            return new ArrayDeque<>();
        }
        return cast(create(raw));
    }

    private static Object array(Object json, Type type, Class<?> raw, boolean seconds) {
        if (raw == byte[].class && json instanceof String) {
            return Scalars.base64((String) json, raw);
        }
        if (raw == char[].class && json instanceof String) {
            return ((String) json).toCharArray();
        }
        Type element = type instanceof GenericArrayType ? ((GenericArrayType) type).getGenericComponentType() : raw.getComponentType();
        List<?> elements = elements(json);
        Object array = Array.newInstance(raw.getComponentType(), elements.size());
        for (int i = 0; i < elements.size(); i++) {
            Array.set(array, i, bind(elements.get(i), element, seconds));
        }
        return array;
    }

    /** A single value is a list of one, as for AWS's runtime. */
    private static List<?> elements(Object json) {
        return json instanceof List ? (List<?>) json : Collections.singletonList(json);
    }

    static Object create(Class<?> raw) {
        if (raw.isInterface() || Modifier.isAbstract(raw.getModifiers())) {
            throw new Mismatch("Cannot make a value of type " + raw.getName() + ": it is abstract");
        }
        try {
            java.lang.reflect.Constructor<?> constructor = raw.getDeclaredConstructor();
            constructor.setAccessible(true);
            return constructor.newInstance();
        } catch (NoSuchMethodException e) {
            throw new Mismatch("Cannot make a value of type " + raw.getName() + ": it has no zero-argument constructor");
        } catch (java.lang.reflect.InvocationTargetException e) {
            throw new IllegalStateException("Cannot make a value of type " + raw.getName(), e.getCause());
        } catch (ReflectiveOperationException e) {
            throw new IllegalStateException("Cannot make a value of type " + raw.getName(), e);
        }
    }

    @SuppressWarnings("unchecked")
    private static <T> T cast(Object value) {
        return (T) value;
    }
}
