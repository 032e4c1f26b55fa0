package polywire;

import java.util.Collection;
import java.util.List;
import java.util.function.Predicate;
import java.util.function.Supplier;
import org.elasticsearch.Build;
import org.elasticsearch.client.internal.node.NodeClient;
import org.elasticsearch.cluster.metadata.IndexNameExpressionResolver;
import org.elasticsearch.cluster.node.DiscoveryNodes;
import org.elasticsearch.cluster.service.ClusterService;
import org.elasticsearch.common.io.stream.NamedWriteableRegistry;
import org.elasticsearch.common.settings.ClusterSettings;
import org.elasticsearch.common.settings.IndexScopedSettings;
import org.elasticsearch.common.settings.Settings;
import org.elasticsearch.common.settings.SettingsFilter;
import org.elasticsearch.features.NodeFeature;
import org.elasticsearch.index.IndexVersion;
import org.elasticsearch.plugins.ActionPlugin;
import org.elasticsearch.plugins.Plugin;
import org.elasticsearch.rest.BaseRestHandler;
import org.elasticsearch.rest.RestController;
import org.elasticsearch.rest.RestHandler;
import org.elasticsearch.rest.RestRequest;
import org.elasticsearch.rest.RestResponse;
import org.elasticsearch.rest.RestStatus;
import org.elasticsearch.xcontent.XContentBuilder;

/**
 * GET / and HEAD /, which the core distribution lacks. Clients ask there who they are talking to, and whether anybody
 * is.
 */
public final class RootPlugin extends Plugin implements ActionPlugin {
    private ClusterService cluster;

    @Override
    public Collection<?> createComponents(PluginServices services) {
        cluster = services.clusterService();
        return List.of();
    }

    @Override
    public Collection<RestHandler> getRestHandlers(
            Settings settings,
            NamedWriteableRegistry writeables,
            RestController controller,
            ClusterSettings clusterSettings,
            IndexScopedSettings indexSettings,
            SettingsFilter filter,
            IndexNameExpressionResolver resolver,
            Supplier<DiscoveryNodes> nodes,
            Predicate<NodeFeature> features) {
        return List.of(new Root(cluster));
    }

    private static final class Root extends BaseRestHandler {
        private final ClusterService cluster;

        Root(ClusterService cluster) {
            this.cluster = cluster;
        }

        @Override
        public String getName() {
            return "polywire_root";
        }

        @Override
        public List<Route> routes() {
            return List.of(new Route(RestRequest.Method.GET, "/"), new Route(RestRequest.Method.HEAD, "/"));
        }

        @Override
        protected RestChannelConsumer prepareRequest(RestRequest request, NodeClient client) {
            return channel -> {
                Build build = Build.current();
                try (XContentBuilder answer = channel.newBuilder()) {
                    answer.startObject();
                    answer.field("name", cluster.getNodeName());
                    answer.field("cluster_name", cluster.getClusterName().value());
                    answer.field("cluster_uuid", cluster.state().metadata().clusterUUID());
                    answer.startObject("version");
                    answer.field("number", build.qualifiedVersion());
                    answer.field("build_flavor", build.flavor());
                    answer.field("build_type", build.type().displayName());
                    answer.field("build_hash", build.hash());
                    answer.field("build_date", build.date());
                    answer.field("build_snapshot", build.isSnapshot());
                    answer.field("lucene_version", IndexVersion.current().luceneVersion().toString());
                    answer.field("minimum_wire_compatibility_version", build.minWireCompatVersion());
                    answer.field("minimum_index_compatibility_version", build.minIndexCompatVersion());
                    answer.endObject();
                    answer.field("tagline", "You Know, for Search");
                    answer.endObject();
                    channel.sendResponse(new RestResponse(RestStatus.OK, answer));
                }
            };
        }
    }
}
