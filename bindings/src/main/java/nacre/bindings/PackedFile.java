package nacre.bindings;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.JarURLConnection;
import java.net.URL;
import java.net.URLConnection;
import java.util.Optional;
import java.util.jar.JarEntry;
import java.util.zip.CRC32;
import java.util.zip.CheckedInputStream;

/**
 * A file inside a jar on the class path or module path, with what is needed to recognize a copy.
 *
 * @param name the file's name without folders
 * @param url where its bytes are read
 * @param size in bytes
 * @param crc CRC-32 of the bytes; a jar has it in its directory, so that it costs no reading
 */
record PackedFile(String name, URL url, long size, long crc) {

  /** Looks a resource up; empty if neither the class path nor the module path carries it. */
  static Optional<PackedFile> find(ClassLoader loader, String resource) throws IOException {
    URL url = loader.getResource(resource);
    if (url == null) {
      url = ModulePath.ofThisProcess().find(resource).orElse(null);
    }
    if (url == null) {
      return Optional.empty();
    }
    String name = resource.substring(resource.lastIndexOf('/') + 1);
    URLConnection connection = connect(url);
    try (InputStream in = connection.getInputStream()) {
      if (connection instanceof JarURLConnection jar) {
        JarEntry entry = jar.getJarEntry();
        if (entry.getCrc() >= 0 && entry.getSize() >= 0) {
          return Optional.of(new PackedFile(name, url, entry.getSize(), entry.getCrc()));
        }
      }
      // Not in a jar, as under an IDE that unpacks its libraries: read it all.
      CheckedInputStream checked = new CheckedInputStream(in, new CRC32());
      long size = checked.transferTo(OutputStream.nullOutputStream());
      return Optional.of(new PackedFile(name, url, size, checked.getChecksum().getValue()));
    }
  }

  InputStream open() throws IOException {
    return connect(url).getInputStream();
  }

  private static URLConnection connect(URL url) throws IOException {
    URLConnection connection = url.openConnection();
    // A cached connection would keep the jar open for as long as the process lives.
    connection.setUseCaches(false);
    return connection;
  }
}
