// QuPath: the open image → coverslip → its cells as detections with their measurements.
//
// Automate > Script editor, with an image open; set the two words below. coverslip exports GeoJSON, which QuPath reads by itself.
def command = "coverslip"   // or the path of it in a Python environment
def model = "nuclei"

import qupath.lib.io.PathIO

def server = getCurrentServer()
def image = new File(server.getURIs().iterator().next())
def folder = new File(buildFilePath(PROJECT_BASE_DIR, "coverslip"))
folder.mkdirs()

def run = { List<String> words ->
    def process = new ProcessBuilder(words).redirectErrorStream(true).start()
    process.inputStream.eachLine { println it }
    if (process.waitFor() != 0) throw new RuntimeException("failed: " + words.join(" "))
}
run([command, "segment", image.path, "-o", folder.path, "--model", model, "--quiet"])
run([command, "export", folder.path, "--to", "geojson", "-o", new File(folder, "geojson").path, "--quiet"])

def name = image.name.replaceFirst(/\.[^.]+$/, "")
def cells = PathIO.readObjects(new File(folder, "geojson/${name}.geojson").toPath())
addObjects(cells)
fireHierarchyUpdate()
println "coverslip: ${cells.size()} cells"
