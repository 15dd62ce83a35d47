/*
 * QuPath: adds the GeoJSON files of `untiled label` or `untiled export` to the images of a project.
 *
 * Open the project, then Automate > Script editor, set the folder below, and Run. An image takes the
 * file that is called as its own file and ".geojson". Objects that an earlier run added are replaced;
 * others stay. Written for QuPath 0.4 to 0.7.
 */
import qupath.lib.io.PathIO

def folder = new File('/path/to/masks')

def project = getProject()
if (project == null) {
    println 'Open a project first'
    return
}
if (!folder.isDirectory()) {
    println "There is no folder ${folder}"
    return
}
int images = 0
for (entry in project.getImageList()) {
    def names = [entry.getImageName()]
    entry.getURIs().each { uri -> names << new File(uri.getPath() ?: '').getName() }
    def file = names.unique().collect { new File(folder, it + '.geojson') }.find { it.isFile() }
    if (file == null) {
        println "${entry.getImageName()}: no mask in the folder"
        continue
    }
    def objects = PathIO.readObjects(file.toPath())
    def data = entry.readImageData()
    def hierarchy = data.getHierarchy()
    def ids = objects.collect { it.getID() } as Set
    def known = hierarchy.getAllObjects(false).findAll { it.getID() in ids }
    hierarchy.removeObjects(known, true)
    hierarchy.addObjects(objects)
    entry.saveImageData(data)
    data.getServer().close()
    images++
    println "${entry.getImageName()}: ${objects.size()} objects"
}
println "${images} images have masks now"
