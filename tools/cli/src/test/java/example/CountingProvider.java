package example;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.util.concurrent.atomic.AtomicLong;
import nacre.tensor.Device;
import nacre.tensor.Settings;
import nacre.tensor.spi.Backend;
import nacre.tensor.spi.BackendProvider;

/** A kind of device of a user: plain Java that counts what it is asked. */
public final class CountingProvider implements BackendProvider {
  static final AtomicLong CALLS = new AtomicLong();

  @Override
  public String kind() {
    return "counting";
  }

  @Override
  public int count(Settings settings) {
    return 1;
  }

  @Override
  public Backend open(int ordinal, Settings settings) {
    Backend plain = Device.reference().backend();
    return (Backend)
        Proxy.newProxyInstance(
            Backend.class.getClassLoader(),
            new Class<?>[] {Backend.class},
            (_, method, arguments) -> {
              CALLS.incrementAndGet();
              try {
                return method.invoke(plain, arguments);
              } catch (InvocationTargetException e) {
                throw e.getCause();
              }
            });
  }
}
