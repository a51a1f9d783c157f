package lambdaform;

import java.lang.reflect.Array;
import java.lang.reflect.Constructor;
import java.lang.reflect.Field;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.lang.reflect.Type;
import java.lang.reflect.TypeVariable;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/** A class as its getters and setters, or as a record: the properties that JSON has of it. */
final class Bean {
    private static final Map<Type, Bean> KNOWN = new ConcurrentHashMap<>();

    private final Class<?> raw;
    private final boolean event;
    private final Map<TypeVariable<?>, Type> variables;
    private final Map<String, Property> properties = new LinkedHashMap<>(); // as they were declared
    private final Map<String, Property> named = new LinkedHashMap<>(); // those that can be set, by the name they are found by
    private Method[] components; // of a record

    /** A property; what it does not have is null. */
    static final class Property {
        final String name;
        private Method getter;
        private Method setter;
        private Field field; // public, or of a class of AWS's

        Property(String name) {
            this.name = name;
        }

        boolean readable() {
            return getter != null || field != null && Modifier.isPublic(field.getModifiers());
        }

        Object get(Object bean) throws Throwable {
            try {
                return getter == null ? field.get(bean) : getter.invoke(bean);
            } catch (InvocationTargetException e) {
                throw e.getCause();
            }
        }

        Type type() {
            return setter != null ? setter.getGenericParameterTypes()[0] : field == null ? null : field.getGenericType();
        }

        void set(Object bean, Object value) throws ReflectiveOperationException {
            if (setter != null) {
                setter.invoke(bean, value);
            } else {
                field.set(bean, value);
            }
        }
    }

    static Bean of(Type type) {
        Bean bean = KNOWN.get(type);
        if (bean == null) {
            bean = new Bean(type);
            KNOWN.put(type, bean);
        }
        return bean;
    }

    private Bean(Type type) {
        this.raw = Generics.raw(type);
        this.event = Events.has(raw);
        this.variables = Generics.variables(type);
        List<Class<?>> lineage = new ArrayList<>();
        for (Class<?> c = raw; c != null && c != Object.class; c = c.getSuperclass()) {
            lineage.add(0, c);
        }
        for (Class<?> c : lineage) {
            fields(c);
        }
        if (raw.getSuperclass() != null && raw.getSuperclass().getName().equals("java.lang.Record")) {
            record();
        }
        for (Class<?> c : lineage) {
            setters(c);
        }
        for (Method m : raw.getMethods()) {
            getter(m);
        }
        for (Property p : properties.values()) {
            if (p.type() != null) {
                named.put(event ? Events.key(p.name) : p.name, p);
            }
        }
    }

    private Property property(String name) {
        return properties.computeIfAbsent(name, Property::new);
    }

    private void fields(Class<?> c) {
        for (Field f : c.getDeclaredFields()) {
            if (Modifier.isStatic(f.getModifiers()) || Modifier.isTransient(f.getModifiers()) || f.isSynthetic()) {
                continue;
            }
            Property p = property(f.getName()); // if only for the order
            if (Modifier.isPublic(f.getModifiers()) || event) {
                f.setAccessible(true);
                p.field = f;
            }
        }
    }

    private void setters(Class<?> c) {
        for (Method m : c.getDeclaredMethods()) {
            if (!m.getName().startsWith("set") || m.getName().length() == 3 || m.getParameterCount() != 1
                    || Modifier.isStatic(m.getModifiers()) || m.isBridge()) {
                continue;
            }
            Property p = property(decapitalize(m.getName().substring(3)));
            if (p.setter == null || p.setter.getDeclaringClass() != c || prefers(m, p.setter)) {
                m.setAccessible(true);
                p.setter = m;
            }
        }
    }

    /** Of two setters, the one that takes what the getter gives, or else text. */
    private boolean prefers(Method m, Method other) {
        try {
            return raw.getMethod("get" + m.getName().substring(3)).getReturnType() == m.getParameterTypes()[0];
        } catch (NoSuchMethodException e) {
            return m.getParameterTypes()[0] == String.class && other.getParameterTypes()[0] != String.class;
        }
    }

    private void getter(Method m) {
        String name = m.getName();
        Class<?> result = m.getReturnType();
        if (m.getParameterCount() > 0 || Modifier.isStatic(m.getModifiers()) || m.isBridge() || result == void.class || m.getDeclaringClass() == Object.class) {
            return;
        }
        boolean is = name.startsWith("is") && name.length() > 2 && (result == boolean.class || result == Boolean.class);
        if (!is && (!name.startsWith("get") || name.length() == 3)) {
            return;
        }
        Property p = property(decapitalize(name.substring(is ? 2 : 3)));
        if (p.getter == null || p.getter.getName().startsWith("is")) {
            m.setAccessible(true);
            p.getter = m;
        }
    }

    /** A name as the rules for beans have it: URL stays, Name becomes name. */
    private static String decapitalize(String name) {
        if (name.length() > 1 && Character.isUpperCase(name.charAt(0)) && Character.isUpperCase(name.charAt(1))) {
            return name;
        }
        return Character.toLowerCase(name.charAt(0)) + name.substring(1);
    }

    private void record() {
        try { // by reflection: the client is compiled for Java 8
            Object[] all = (Object[]) Class.class.getMethod("getRecordComponents").invoke(raw);
            components = new Method[all.length];
            for (int i = 0; i < all.length; i++) {
                components[i] = (Method) all[i].getClass().getMethod("getAccessor").invoke(all[i]);
                components[i].setAccessible(true);
                property(components[i].getName()).getter = components[i];
            }
        } catch (ReflectiveOperationException e) {
            throw new IllegalStateException("Cannot look into record " + raw.getName(), e);
        }
    }

    Iterable<Property> properties() {
        return properties.values();
    }

    /** The property's name in JSON; null when it is not a part of that. */
    String name(Property p) {
        return event ? Events.name(raw, p.name) : p.name;
    }

    boolean event() {
        return event;
    }

    Object read(Map<?, ?> json) {
        try {
            if (components != null) {
                return readRecord(json);
            }
            Object bean = event ? empty() : Binder.create(raw);
            for (Map.Entry<?, ?> entry : json.entrySet()) {
                String name = (String) entry.getKey();
                Property p = named.get(event ? Events.key(name) : name);
                if (p != null) {
                    p.set(bean, bind(name, entry.getValue(), p.type()));
                }
            }
            for (Property p : Events.fills(raw) ? named.values() : java.util.Collections.<Property>emptyList()) {
                if (p.type() == String.class && p.field.get(bean) == null) {
                    p.set(bean, "");
                }
            }
            return bean;
        } catch (InvocationTargetException e) {
            throw new IllegalStateException("A setter or constructor of " + raw.getName() + " failed", e.getCause());
        } catch (ReflectiveOperationException e) {
            throw new IllegalStateException("Cannot set the properties of " + raw.getName(), e);
        }
    }

    private Object bind(String name, Object json, Type type) {
        try {
            return Binder.bind(json, Generics.fill(type, variables), event);
        } catch (Mismatch e) {
            throw e.in(name);
        }
    }

    private Object readRecord(Map<?, ?> json) throws ReflectiveOperationException {
        Class<?>[] types = new Class<?>[components.length];
        Object[] values = new Object[components.length];
        for (int i = 0; i < components.length; i++) {
            types[i] = components[i].getReturnType();
            values[i] = bind(components[i].getName(), json.get(components[i].getName()), components[i].getGenericReturnType());
        }
        Constructor<?> constructor = raw.getDeclaredConstructor(types);
        constructor.setAccessible(true);
        return constructor.newInstance(values);
    }

    /** Some of AWS's classes have no setters: they are made empty, and then their fields are set. */
    private Object empty() throws ReflectiveOperationException {
        Constructor<?> least = null;
        for (Constructor<?> c : raw.getDeclaredConstructors()) {
            if (least == null || c.getParameterCount() < least.getParameterCount()) {
                least = c;
            }
        }
        if (least == null) {
            throw new Mismatch("Cannot make a value of type " + raw.getName());
        }
        least.setAccessible(true);
        Class<?>[] types = least.getParameterTypes();
        Object[] nothing = new Object[types.length];
        for (int i = 0; i < types.length; i++) {
            nothing[i] = types[i].isPrimitive() ? Array.get(Array.newInstance(types[i], 1), 0) : null;
        }
        return least.newInstance(nothing);
    }
}
